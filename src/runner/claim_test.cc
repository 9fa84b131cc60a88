#include "runner/claim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "runner/attempt_files.h"

namespace aiflow::runner {
namespace {

namespace fs = std::filesystem;

class ClaimTest : public testing::Test {
 protected:
  ClaimTest() {
    std::string name = (fs::temp_directory_path() / "aiflow-claim-XXXXXX").string();
    root_ = mkdtemp(name.data());
    dir_ = root_ + "/17/2-1-1";
  }
  ~ClaimTest() override { fs::remove_all(root_); }

  static Claim Sample() {
    return {.attempt = "17-2-1-1",
            .token = "secret",
            .epoch = 4,
            .pid = 1234,
            .start_time = 99887766,
            .boot_id = "9f1c",
            .pid_namespace = 4026531836,
            .claimed_ms = 1700000000000};
  }
  Status Publish() { return PublishClaim(dir_, EncodeClaim(Sample(), nullptr), nullptr); }
  void Overwrite(size_t offset, char byte) const {
    std::fstream file(ClaimPath(dir_), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(byte);
  }
  void WriteOwnResult(const std::string& text) const {
    fs::create_directories(dir_);
    std::ofstream(ResultPath(dir_)) << text;
  }

  std::string root_;
  std::string dir_;
};

TEST_F(ClaimTest, IsReadAsItWasPublished) {
  EXPECT_EQ(ReadClaim(dir_).error().code(), Code::kNotFound);
  ASSERT_EQ(Publish(), Status::Ok());
  const auto record = ReadClaim(dir_);
  ASSERT_TRUE(record) << record.error();
  const Claim wanted = Sample();
  EXPECT_EQ(record->claim.attempt, wanted.attempt);
  EXPECT_EQ(record->claim.token, wanted.token);
  EXPECT_EQ(record->claim.epoch, wanted.epoch);
  EXPECT_EQ(record->claim.pid, wanted.pid);
  EXPECT_EQ(record->claim.start_time, wanted.start_time);
  EXPECT_EQ(record->claim.boot_id, wanted.boot_id);
  EXPECT_EQ(record->claim.pid_namespace, wanted.pid_namespace);
  EXPECT_EQ(record->claim.claimed_ms, wanted.claimed_ms);
  EXPECT_FALSE(record->result);
  EXPECT_FALSE(record->stop_signalled);
}

TEST_F(ClaimTest, SecondClaimLosesAndChangesNothing) {
  ASSERT_EQ(Publish(), Status::Ok());
  Claim second = Sample();
  second.pid = 4321;
  EXPECT_EQ(PublishClaim(dir_, EncodeClaim(second, nullptr), nullptr).code(), Code::kAlreadyExists);
  EXPECT_EQ(ReadClaim(dir_)->claim.pid, 1234);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), fs::directory_iterator()), 1);
}

// Rule 15: the room for the result is there from the beginning.
TEST_F(ClaimTest, ResultTakesNoSpace) {
  ASSERT_EQ(Publish(), Status::Ok());
  ASSERT_EQ(fs::file_size(ClaimPath(dir_)), kClaimSize);
  const AttemptResult result{.outcome = Outcome::kStopped,
                             .exit_code = 143,
                             .stop_signalled = true,
                             .ended_ms = 17,
                             .reason = std::string(5000, 'r')};
  WriteStopMark(dir_);
  ASSERT_EQ(WriteResult(dir_, result), Status::Ok());
  EXPECT_EQ(fs::file_size(ClaimPath(dir_)), kClaimSize);
  const auto record = ReadClaim(dir_);
  ASSERT_TRUE(record && record->result);
  EXPECT_TRUE(record->stop_signalled);
  EXPECT_EQ(record->result->outcome, Outcome::kStopped);
  EXPECT_EQ(record->result->exit_code, 143);
  EXPECT_TRUE(record->result->stop_signalled);
  EXPECT_EQ(record->result->reason, std::string(1024, 'r'));
  EXPECT_EQ(record->claim.pid, 1234);
}

TEST_F(ClaimTest, EveryDamagedByteOfTheClaimIsFound) {
  ASSERT_EQ(Publish(), Status::Ok());
  const size_t length = EncodeClaim(Sample(), nullptr).find('\0');
  for (size_t i = 0; i < length; ++i) {
    std::ifstream in(ClaimPath(dir_), std::ios::binary);
    in.seekg(static_cast<std::streamoff>(i));
    const char old = static_cast<char>(in.get());
    Overwrite(i, static_cast<char>(old ^ 1));
    EXPECT_EQ(ReadClaim(dir_).error().code(), Code::kDataLoss) << i;
    Overwrite(i, old);
  }
  EXPECT_TRUE(ReadClaim(dir_));
}

TEST_F(ClaimTest, TornResultCountsAsNone) {
  ASSERT_EQ(Publish(), Status::Ok());
  ASSERT_EQ(WriteResult(dir_, {.outcome = Outcome::kSuccess}), Status::Ok());
  Overwrite(kResultOffset + 20, '#');
  const auto record = ReadClaim(dir_);
  ASSERT_TRUE(record);
  EXPECT_FALSE(record->result);
}

TEST_F(ClaimTest, EmptyClaimSaysThatTheAttemptIsForgotten) {
  ASSERT_EQ(Publish(), Status::Ok());
  fs::resize_file(ClaimPath(dir_), 0);
  EXPECT_TRUE(ReadClaim(dir_)->forgotten);
  EXPECT_EQ(Publish().code(), Code::kAlreadyExists);
}

TEST_F(ClaimTest, DirectoryThatCannotBeMadeIsNamed) {
  std::ofstream(root_ + "/17") << "a file";
  const Status status = Publish();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), testing::HasSubstr(dir_));
}

TEST_F(ClaimTest, OwnResultNeedsACompleteFirstLine) {
  EXPECT_FALSE(ReadOwnResult(dir_).exit_code);
  WriteOwnResult("1");
  EXPECT_FALSE(ReadOwnResult(dir_).exit_code);
  WriteOwnResult("12\n");
  EXPECT_EQ(ReadOwnResult(dir_).exit_code, 12);
  WriteOwnResult("x\n");
  EXPECT_FALSE(ReadOwnResult(dir_).exit_code);
  WriteOwnResult("0\nall good\nmore\n");
  EXPECT_EQ(ReadOwnResult(dir_).exit_code, 0);
  EXPECT_EQ(ReadOwnResult(dir_).reason, "all good");
}

TEST(CleanLineTest, IsOneLineOfValidText) {
  EXPECT_EQ(CleanLine("first\nsecond", 100), "first");
  EXPECT_EQ(CleanLine("a\tb", 100), "a b");
  EXPECT_EQ(CleanLine("gr\xc3\xbc\xc3\x9f", 100), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(CleanLine("\xff\xc3", 100), "??");
  EXPECT_EQ(CleanLine("\xc0\x80", 100), "??");
  EXPECT_EQ(CleanLine("\xed\xa0\x80", 100), "???");
  EXPECT_EQ(CleanLine("a\xc3\xbc", 2), "a");
}

}  // namespace
}  // namespace aiflow::runner
