#include "api/grpc/log_piece.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace aiflow::api {
namespace {

constexpr int64_t kHead = 64 << 10;
constexpr char kDropped[] =
    "[aiflow: the first 65536 bytes of this log were dropped (task_log_max_bytes)]\n";

/// A log of 64 KiB of x and of 100,000 y.
class LogPieceTest : public testing::Test {
 protected:
  LogPieceTest() {
    path_ = (std::filesystem::temp_directory_path() / "log_piece_test.XXXXXX").string();
    fd_ = mkstemp(path_.data());
    const std::string text = std::string(kHead, 'x') + std::string(100'000, 'y');
    EXPECT_EQ(write(fd_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  ~LogPieceTest() override {
    close(fd_);
    std::filesystem::remove(path_);
  }
  bool Drop() { return fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kHead) == 0; }
  std::string ReadAll(int64_t begin, int64_t end) {
    std::string all;
    for (;;) {
      const auto piece = ReadLogPiece(fd_, begin, end);
      EXPECT_TRUE(piece.has_value());
      if (!piece.has_value() || piece->data.empty()) return all;
      all += piece->data;
      begin = piece->next_byte;
    }
  }

  std::string path_;
  int fd_ = -1;
};

TEST_F(LogPieceTest, LogIsReadAsItIs) {
  EXPECT_EQ(ReadAll(0, 0), std::string(kHead, 'x') + std::string(100'000, 'y'));
  EXPECT_EQ(ReadAll(kHead - 1, kHead + 1), "xy");
  EXPECT_EQ(ReadAll(kHead + 100'000, 0), "");
  EXPECT_EQ(ReadLogPiece(fd_, 1 << 30, 0)->next_byte, 1 << 30);
  EXPECT_FALSE(ReadLogPiece(-1, 0, 0).has_value());
}

TEST_F(LogPieceTest, HeadThatWasDroppedIsALineAndKeepsItsOffsets) {
  if (!Drop()) GTEST_SKIP() << "no holes in " << path_;
  EXPECT_EQ(ReadAll(0, 0), kDropped + std::string(100'000, 'y'));
  EXPECT_EQ(ReadLogPiece(fd_, 0, 0)->next_byte, kHead);
  EXPECT_EQ(ReadAll(1'000, 0), kDropped + std::string(100'000, 'y'));
  EXPECT_EQ(ReadAll(kHead, 0), std::string(100'000, 'y'));
}

TEST_F(LogPieceTest, ARangeWithinTheDroppedHeadIsThatLineAlone) {
  if (!Drop()) GTEST_SKIP() << "no holes in " << path_;
  EXPECT_EQ(ReadAll(10, 20), kDropped);
  EXPECT_EQ(ReadLogPiece(fd_, 10, 20)->next_byte, kHead) << "where the log begins now";
  EXPECT_EQ(ReadAll(10, kHead + 2), kDropped + std::string("yy"));
}

}  // namespace
}  // namespace aiflow::api
