#include "server/log_file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class LogFileTest : public ::testing::Test {
 protected:
  LogFileTest() {
    std::string pattern = (fs::temp_directory_path() / "log_file_test.XXXXXX").string();
    dir_ = mkdtemp(pattern.data());
  }
  ~LogFileTest() override { fs::remove_all(dir_); }

  LogFile::Options Options(uint64_t max_bytes = 1'000'000, int64_t files = 3) {
    return {.path = dir_ / "x.log",
            .max_bytes = max_bytes,
            .files = files,
            .marker = [](int64_t dropped, const std::string& reason) {
              return "dropped " + std::to_string(dropped) + ": " + reason + "\n";
            }};
  }
  std::string Read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(dir_ / name).rdbuf();
    return text.str();
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(dir_)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  fs::path dir_;
};

TEST_F(LogFileTest, AppendsLinesForItsOwnerAlone) {
  LogFile file(Options());
  ASSERT_TRUE(file.Open().ok());
  file.Write("a\n");
  file.Write("b\n");
  EXPECT_EQ(Read("x.log"), "a\nb\n");
  struct stat info {};
  ASSERT_EQ(stat((dir_ / "x.log").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600);
}

TEST_F(LogFileTest, MovesAFullFileAsideAndKeepsSoMany) {
  LogFile file(Options(/*max_bytes=*/6, /*files=*/3));
  for (const char* line : {"1\n", "2\n", "3\n", "4\n", "5\n", "6\n", "7\n", "8\n", "9\n", "10\n"}) {
    file.Write(line);
  }
  EXPECT_EQ(Read("x.log"), "10\n");
  EXPECT_EQ(Read("x.log.1"), "7\n8\n9\n");
  EXPECT_EQ(Read("x.log.2"), "4\n5\n6\n");
  EXPECT_THAT(Names(), UnorderedElementsAre("x.log", "x.log.1", "x.log.2"));
  EXPECT_EQ(file.dropped(), 0);
}

TEST_F(LogFileTest, OneFileAloneBeginsAnew) {
  LogFile file(Options(/*max_bytes=*/4, /*files=*/1));
  for (const char* line : {"1\n", "2\n", "3\n"}) file.Write(line);
  EXPECT_EQ(Read("x.log"), "3\n");
  EXPECT_THAT(Names(), ElementsAre("x.log"));
}

TEST_F(LogFileTest, ALineLongerThanAFileIsWrittenWhole) {
  LogFile file(Options(/*max_bytes=*/4, /*files=*/2));
  file.Write("1\n");
  file.Write("a long line\n");
  EXPECT_EQ(Read("x.log"), "a long line\n");
  EXPECT_EQ(Read("x.log.1"), "1\n");
}

TEST_F(LogFileTest, WhatAnEarlierProcessWroteCounts) {
  std::ofstream(dir_ / "x.log") << "12345\n";
  LogFile file(Options(/*max_bytes=*/7, /*files=*/2));
  ASSERT_TRUE(file.Open().ok());
  file.Write("b\n");
  EXPECT_EQ(Read("x.log"), "b\n");
}

TEST_F(LogFileTest, ReopensWhatWasMovedAway) {
  LogFile file(Options());
  file.Write("a\n");
  fs::rename(dir_ / "x.log", dir_ / "moved");
  file.Write("b\n");
  file.Reopen();
  file.Write("c\n");
  EXPECT_EQ(Read("moved"), "a\nb\n");
  EXPECT_EQ(Read("x.log"), "c\n");
}

TEST_F(LogFileTest, WhatCannotBeWrittenIsCountedAndToldLater) {
  fs::create_directory(dir_ / "x.log");
  LogFile file(Options());
  EXPECT_FALSE(file.Open().ok());
  file.Write("a\n");
  file.Write("b\n");
  EXPECT_EQ(file.dropped(), 2);
  fs::remove(dir_ / "x.log");
  file.Write("c\n");
  EXPECT_EQ(Read("x.log"), "dropped 2: Is a directory\nc\n");
}

TEST_F(LogFileTest, AFullDiskDropsLinesAndStopsNothing) {
  if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full";
  fs::create_symlink("/dev/full", dir_ / "x.log");
  LogFile file(Options());
  ASSERT_TRUE(file.Open().ok());
  for (int i = 0; i < 1'000; ++i) file.Write("a\n");
  EXPECT_EQ(file.dropped(), 1'000);
  fs::remove(dir_ / "x.log");
  file.Reopen();
  file.Write("b\n");
  EXPECT_THAT(Read("x.log"), HasSubstr("dropped 1000: No space left on device\nb\n"));
}

TEST_F(LogFileTest, OfEarlierServersOnlyTheNewestFilesStay) {
  const auto make = [this](const std::string& name, int age) {
    std::ofstream(dir_ / name) << name;
    fs::last_write_time(dir_ / name, fs::file_time_type::clock::now() - std::chrono::hours(age));
  };
  make("s-1.log", 5);
  make("s-1.log.1", 6);
  make("s-2.log", 4);
  make("s-3.log", 3);
  make("other.log", 9);
  PruneLogFiles(dir_, "s-", 3, dir_ / "s-4.log");
  EXPECT_THAT(Names(), UnorderedElementsAre("s-2.log", "s-3.log", "other.log"));
}

}  // namespace
}  // namespace aiflow::server
