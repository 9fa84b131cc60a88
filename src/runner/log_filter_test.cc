#include "runner/log_filter.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "runner/attempt_files.h"
#include "runner/process.h"

namespace aiflow::runner {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// Adopts the filters, and waits for them.
class LogFilterTest : public testing::Test {
 protected:
  LogFilterTest() {
    std::string pattern = (fs::temp_directory_path() / "log_filter_test.XXXXXX").string();
    dir_ = mkdtemp(pattern.data());
    prctl(PR_SET_CHILD_SUBREAPER, 1);
  }
  ~LogFilterTest() override {
    if (pipe_ >= 0) close(pipe_);
    AwaitFilters();
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    if (mounted_) umount2(dir_.c_str(), MNT_DETACH);
    fs::remove_all(dir_);
  }

  void Begin(const std::vector<std::string>& secrets) {
    ASSERT_EQ(MakeLogPipe(dir_.string()), Status::Ok());
    pipe_ = open(LogPipePath(dir_.string()).c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(pipe_, 0);
    ASSERT_EQ(StartLogFilter(dir_.string(), secrets, FilterTask::kBegin), Status::Ok());
  }
  void Write(std::string_view text) const {
    ASSERT_EQ(write(pipe_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// Whether the filter has taken all out of the pipe.
  bool ReadsNothing() const {
    int waiting = 0;
    return ioctl(pipe_, FIONREAD, &waiting) == 0 && waiting == 0;
  }
  void End() {
    close(pipe_);
    pipe_ = -1;
    AwaitFilters();
  }
  static void AwaitFilters() {
    while (waitpid(-1, nullptr, 0) > 0) {
    }
  }
  FilterRecord Record() const { return ReadFilterRecord(dir_.string()).value_or(FilterRecord{}); }
  void Put(const std::string& name, const std::string& contents) const {
    std::ofstream(dir_ / name) << contents;
  }
  std::string File(const std::string& name) const {
    std::ifstream file(dir_ / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  fs::path dir_;
  int pipe_ = -1;
  bool mounted_ = false;
};

TEST_F(LogFilterTest, SecretInPiecesIsMaskedInTheLog) {
  Begin({"hunter22"});
  Write("it is hun");
  Write("ter22\nand hunt");
  End();
  EXPECT_EQ(File("log"), "it is ***\nand hunt");
  EXPECT_TRUE(Record().done);
  EXPECT_FALSE(fs::exists(LogPipePath(dir_.string())));
}

TEST_F(LogFilterTest, ResultAndOutputAreMaskedWhenTheLastWriterHasGone) {
  Begin({"hunter22"});
  Put("result", "1\nValueError: hunter22 is wrong\n");
  Put("output", std::string(200'000, 'x') + "hunter22");
  End();
  EXPECT_EQ(File("result"), "1\nValueError: *** is wrong\n");
  EXPECT_EQ(File("output"), std::string(200'000, 'x') + "***");
  EXPECT_EQ(File("log"), "[aiflow: a secret was masked in the output]\n");
}

TEST_F(LogFilterTest, FilesWithoutASecretStayAsTheyAre) {
  Begin({"hunter22"});
  Put("result", "0\n");
  fs::create_symlink("result", dir_ / "output");
  End();
  EXPECT_EQ(File("result"), "0\n");
  EXPECT_TRUE(fs::is_symlink(dir_ / "output"));
}

TEST_F(LogFilterTest, SignalsThatEndThingsDoNotEndIt) {
  Begin({"hunter22"});
  const FilterRecord record = Record();
  EXPECT_NE(getsid(record.pid), getsid(0));
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE}) kill(record.pid, signal);
  Write("hunter22\n");
  End();
  EXPECT_EQ(File("log"), "***\n");
}

TEST_F(LogFilterTest, KeepsNothingOfItsMakerOpenAndHasNothingOnItsCommandLine) {
  const int leak = open("/dev/null", O_RDONLY);
  Begin({"hunter22"});
  const std::string proc = "/proc/" + std::to_string(Record().pid);
  int open_files = 0;
  if (access((proc + "/fd").c_str(), R_OK) == 0) {
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(proc + "/fd")) ++open_files;
    EXPECT_EQ(open_files, 5);  // three of /dev/null, pipe, log
  }
  std::ifstream line(proc + "/cmdline");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(line), {}).find("hunter22"),
            std::string::npos);
  close(leak);
  End();
}

TEST_F(LogFilterTest, AnotherTakesUpAfterTheLineThatWasLost) {
  Begin({"hunter22"});
  Write("before\nhunt");
  const pid_t first = Record().pid;
  while (File("log").empty()) usleep(1'000);
  kill(first, SIGKILL);
  AwaitFilters();
  Write("er22 is lost\nhunter22 after\n");  // nobody reads, and nobody dies of it
  ASSERT_EQ(StartLogFilter(dir_.string(), {"hunter22"}, FilterTask::kTakeUp), Status::Ok());
  EXPECT_NE(Record().pid, first);
  End();
  EXPECT_THAT(File("log"), testing::MatchesRegex("before\n\\[aiflow: .* killed.*\\]\n"
                                                 "\\*\\*\\* after\n"));
  EXPECT_TRUE(Record().done);
}

TEST_F(LogFilterTest, OneThatDoesNotKnowTheSecretsWritesNothing) {
  Begin({"hunter22"});
  kill(Record().pid, SIGKILL);
  AwaitFilters();
  Put("result", "1\nhunter22\n");
  Put("output", "hunter22");
  ASSERT_EQ(StartLogFilter(dir_.string(), {}, FilterTask::kDiscard), Status::Ok());
  Write("hunter22\n");
  End();
  EXPECT_THAT(File("log"), HasSubstr("nobody knows the secrets"));
  EXPECT_EQ(File("log").find("hunter22"), std::string::npos);
  EXPECT_EQ(File("result"), "1\n");
  EXPECT_FALSE(fs::exists(dir_ / "output"));
}

TEST_F(LogFilterTest, AFullDiskNeitherHoldsUpTheWriterNorKeepsTheRestFromBeingMasked) {
  if (mount("none", dir_.c_str(), "tmpfs", 0, "size=128k") != 0) {
    GTEST_SKIP() << "cannot mount a small file system: " << strerror(errno);
  }
  mounted_ = true;
  Begin({"hunter22"});
  Put("result", "1\nhunter22\n");
  Put("filler", std::string(96 << 10, 'x'));
  for (int i = 0; i < 20'000; ++i) Write("a line of hunter22\n");
  // What the pipe holds is read before the rest: nobody says when.
  while (!ReadsNothing()) usleep(1'000);
  fs::remove(dir_ / "filler");
  Write("room for hunter22\n");
  End();
  const std::string log = File("log");
  EXPECT_THAT(log, testing::StartsWith("a line of ***\na line of ***\n"));
  EXPECT_THAT(log, testing::ContainsRegex("\n\\[aiflow: [0-9]+ lines \\([0-9]+ bytes\\) dropped: "
                                          "no space left on device\\]\n"));
  EXPECT_THAT(log, testing::EndsWith("\nroom for ***\n"));
  EXPECT_EQ(log.find("hunter22"), std::string::npos);
  EXPECT_EQ(File("result"), "1\n***\n");
  EXPECT_TRUE(Record().done);
}

TEST_F(LogFilterTest, OneThatCannotBeStartedSaysWhy) {
  ASSERT_EQ(MakeLogPipe(dir_.string()), Status::Ok());
  fs::create_directory(dir_ / "log");
  const Status status = StartLogFilter(dir_.string(), {"hunter22"}, FilterTask::kBegin);
  EXPECT_THAT(status.message(), testing::AllOf(HasSubstr("/log"), HasSubstr("directory")));
}

TEST_F(LogFilterTest, AnAttemptWithoutAFilterHasNoRecord) {
  EXPECT_FALSE(ReadFilterRecord(dir_.string()).has_value());
  Put("filter", "rubbish");
  EXPECT_EQ(Record().pid, 0);
}

}  // namespace
}  // namespace aiflow::runner
