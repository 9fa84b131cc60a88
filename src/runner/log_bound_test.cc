#include "runner/log_bound.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace aiflow::runner {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMax = 256 << 10;

class LogBoundTest : public testing::Test {
 protected:
  LogBoundTest() {
    std::string pattern = (fs::temp_directory_path() / "log_bound_test.XXXXXX").string();
    dir_ = mkdtemp(pattern.data());
    path_ = (dir_ / "log").string();
  }
  ~LogBoundTest() override { fs::remove_all(dir_); }

  void Append(int64_t size) {
    std::ofstream file(path_, std::ios::app | std::ios::binary);
    for (; size > 0; --size) file.put(static_cast<char>('a' + written_++ % 26));
  }
  int64_t FirstData() const {
    const int fd = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    const off_t data = lseek(fd, 0, SEEK_DATA);
    close(fd);
    return data;
  }
  std::string Contents() const {
    std::ifstream file(path_, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  fs::path dir_;
  std::string path_;
  int64_t written_ = 0;
};

TEST_F(LogBoundTest, KeepsTheEndAtItsOffsets) {
  Append(3 * kMax + 5);
  const std::string before = Contents();
  const LogCut cut = BoundLog(path_, kMax);
  if (cut == LogCut::kImpossible) GTEST_SKIP() << "no holes in files of " << dir_;
  ASSERT_EQ(cut, LogCut::kCut);
  const std::string after = Contents();
  const int64_t first = FirstData();
  EXPECT_EQ(after.size(), before.size());
  EXPECT_GE(first, 2 * kMax - 4096);
  EXPECT_LE(first, 2 * kMax + 5);
  EXPECT_EQ(after.substr(static_cast<size_t>(first)), before.substr(static_cast<size_t>(first)));
  struct stat file {};
  ASSERT_EQ(stat(path_.c_str(), &file), 0);
  EXPECT_LE(file.st_blocks * 512, kMax + 16'384);
}

TEST_F(LogBoundTest, CutsInSteps) {
  Append(kMax + kMax / 8 - 1);
  EXPECT_EQ(BoundLog(path_, kMax), LogCut::kNothing);
  Append(1 + 4096);
  const LogCut cut = BoundLog(path_, kMax);
  if (cut == LogCut::kImpossible) GTEST_SKIP() << "no holes in files of " << dir_;
  EXPECT_EQ(cut, LogCut::kCut);
  EXPECT_EQ(BoundLog(path_, kMax), LogCut::kNothing) << "again";
  const int64_t first = FirstData();
  Append(kMax / 16);
  EXPECT_EQ(BoundLog(path_, kMax), LogCut::kNothing) << "half a step";
  Append(kMax / 8);
  EXPECT_EQ(BoundLog(path_, kMax), LogCut::kCut);
  EXPECT_GE(FirstData(), first + kMax / 8);
}

TEST_F(LogBoundTest, LeavesAloneWhatIsSmallOrUnboundedOrNoFile) {
  EXPECT_EQ(BoundLog(path_, kMax), LogCut::kNothing);
  Append(2 * kMax);
  EXPECT_EQ(BoundLog(path_, 0), LogCut::kNothing);
  EXPECT_EQ(BoundLog(path_, 2 * kMax), LogCut::kNothing);
  const std::string link = (dir_ / "link").string();
  fs::create_symlink(path_, link);
  EXPECT_EQ(BoundLog(link, kMax), LogCut::kNothing);
  EXPECT_EQ(FirstData(), 0);
}

}  // namespace
}  // namespace aiflow::runner
