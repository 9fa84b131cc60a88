#include "runner/lossy_log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace aiflow::runner {
namespace {

namespace fs = std::filesystem;

class LossyLogTest : public testing::Test {
 protected:
  LossyLogTest() {
    std::string pattern = (fs::temp_directory_path() / "lossy_log_test.XXXXXX").string();
    dir_ = mkdtemp(pattern.data());
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
  }
  ~LossyLogTest() override {
    LimitSize(before_.rlim_cur);
    if (fd_ >= 0) close(fd_);
    if (mounted_) umount2(dir_.c_str(), MNT_DETACH);
    fs::remove_all(dir_);
  }
  void Open() {
    fd_ = open((dir_ / "log").c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ASSERT_GE(fd_, 0);
  }
  /// A file that may not grow beyond `size` is what a full disk is, for everybody.
  void LimitSize(rlim_t size) {
    const rlimit limit{.rlim_cur = size, .rlim_max = before_.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  std::string Contents() const {
    std::ifstream file(dir_ / "log", std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  fs::path dir_;
  rlimit before_{};
  int fd_ = -1;
  bool mounted_ = false;
};

TEST_F(LossyLogTest, WhatDoesNotFitIsLostByLinesAndCounted) {
  Open();
  LossyLog log(fd_);
  LimitSize(12);
  log.Append("first\nsecond\nthird\n");
  log.Append("fourth\nfif");
  LimitSize(before_.rlim_cur);
  log.Append("th");
  log.Append(" line\nsixth\n");
  log.Append("seventh\n");
  log.Finish();
  EXPECT_EQ(
      Contents(),
      "first\nsecond\n[aiflow: 4 lines (25 bytes) dropped: file too large]\nsixth\nseventh\n");
}

TEST_F(LossyLogTest, TheLossIsToldAtTheEndAtTheLatest) {
  Open();
  LossyLog log(fd_);
  LimitSize(6);
  log.Append("first\nsecond");
  LimitSize(before_.rlim_cur);
  log.Finish();
  EXPECT_EQ(Contents(), "first\n[aiflow: 1 line (6 bytes) dropped: file too large]\n");
}

TEST_F(LossyLogTest, TheLossIsToldInThePlaceOfTheLastLinesWhereThereIsNoRoom) {
  Open();
  LossyLog log(fd_);
  LimitSize(1000);
  for (int i = 0; i < 300; ++i) log.Append("line\n");
  log.Finish();
  const std::string contents = Contents();
  EXPECT_LE(contents.size(), 1000U);
  // 840 bytes remain: 168 lines.
  EXPECT_TRUE(
      contents.ends_with("line\n\n[aiflow: 132 lines (660 bytes) dropped: file too large]\n"))
      << contents.substr(800);
}

TEST_F(LossyLogTest, ANoteIsALineOfItsOwn) {
  Open();
  LossyLog log(fd_);
  log.AppendNote("one");
  log.Append("text");
  log.AppendNote("two");
  EXPECT_EQ(Contents(), "[aiflow: one]\ntext\n[aiflow: two]\n");
}

TEST_F(LossyLogTest, AFullDiskLosesLinesUntilThereIsRoomAgain) {
  if (mount("none", dir_.c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "cannot mount a small file system: " << strerror(errno);
  }
  mounted_ = true;
  Open();
  LossyLog log(fd_);
  { std::ofstream(dir_ / "other") << std::string(48 << 10, 'x'); }
  for (int i = 0; i < 4'000; ++i) log.Append("a line of the task\n");
  fs::remove(dir_ / "other");
  log.Append("there is room again\n");
  log.Finish();
  const std::string contents = Contents();
  EXPECT_THAT(contents, testing::ContainsRegex(
                            "\\[aiflow: [0-9]+ lines \\([0-9]+ bytes\\) dropped: no space left on "
                            "device\\]\nthere is room again\n"));
  EXPECT_THAT(contents, testing::StartsWith("a line of the task\n"));
}

}  // namespace
}  // namespace aiflow::runner
