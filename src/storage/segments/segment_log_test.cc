#include "storage/segments/segment_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "storage/io/sim_file_system.h"

namespace aiflow {
namespace {

using ::testing::HasSubstr;

class FixedClock final : public Clock {
 public:
  Millis Now() const override { return Millis(1000); }
  std::chrono::nanoseconds Monotonic() const override { return Now(); }
};

Event Make(const std::string& key, const std::string& id = "") {
  Event event;
  event.key = key;
  event.value = "value of " + key;
  event.id = id;
  return event;
}

class SegmentLogTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<SegmentLog>> Open(uint64_t segment_bytes = 1000) {
    return SegmentLog::Open(disk_, clock_, "log",
                            {.segment_bytes = segment_bytes, .reserve_bytes = 4096});
  }
  /// `count` events in batches of one, with ids id-1, id-2 ...
  void Fill(int count) {
    auto log = Open();
    ASSERT_TRUE(log.has_value()) << log.error();
    for (int i = 1; i <= count; ++i) {
      ASSERT_TRUE((*log)->Append({Make("key", "id-" + std::to_string(i))}).has_value());
    }
  }
  std::vector<std::string> Names() {
    auto names = disk_.List("log");
    EXPECT_TRUE(names.has_value());
    return std::move(*names);
  }
  std::vector<std::string> Segments() {
    std::vector<std::string> names;
    for (const std::string& name : Names()) {
      if (name.ends_with(".segment")) names.push_back("log/" + name);
    }
    return names;
  }
  void ExpectEvents(int count) {
    auto log = Open();
    ASSERT_TRUE(log.has_value()) << log.error();
    EXPECT_EQ((*log)->head(), count);
    const auto events = (*log)->Read(0, 1'000'000, 1 << 30);
    ASSERT_TRUE(events.has_value()) << events.error();
    ASSERT_EQ(events->size(), static_cast<size_t>(count));
    for (int i = 1; i <= count; ++i) {
      EXPECT_EQ((*events)[static_cast<size_t>(i) - 1].id, "id-" + std::to_string(i));
    }
  }

  FixedClock clock_;
  SimFileSystem disk_{1};
};

TEST_F(SegmentLogTest, SegmentsRollAndOpenAgainByTheirIndexFiles) {
  Fill(100);
  ASSERT_GT(Segments().size(), 5u);
  ExpectEvents(100);
}

TEST_F(SegmentLogTest, AMissingOrDamagedIndexFileIsMadeAgain) {
  Fill(100);
  const std::vector<std::string> names = Names();
  std::vector<std::string> indexes;
  for (const std::string& name : names) {
    if (name.ends_with(".index")) indexes.push_back("log/" + name);
  }
  ASSERT_GT(indexes.size(), 2u);
  const std::string before = disk_.Contents(indexes[0]);
  ASSERT_TRUE(disk_.Remove(indexes[0]).ok());
  for (const uint64_t at : {0, 9, 13, 20, 60, 200}) disk_.Corrupt(indexes[1], at);
  ExpectEvents(100);
  EXPECT_EQ(disk_.Contents(indexes[0]), before);
  auto log = Open();
  for (const int i : {1, 9, 50, 100}) {
    const auto again = (*log)->Append({Make("key", "id-" + std::to_string(i))});
    EXPECT_TRUE((*again)[0]->duplicate) << i;
    EXPECT_EQ((*again)[0]->offset, i);
  }
}

TEST_F(SegmentLogTest, TornBytesBehindTheLastFrameAreCut) {
  Fill(3);
  const std::string path = Segments().back();
  auto file = disk_.Open(path);
  ASSERT_TRUE(file.has_value());
  const std::string contents = disk_.Contents(path);
  const size_t end = contents.find_last_not_of('\0') + 1;
  // The begin of a frame that is a copy of the first one, broken off.
  ASSERT_TRUE((*file)->WriteAt(end, contents.substr(72, 60)).ok());
  ASSERT_TRUE((*file)->Sync().ok());
  ExpectEvents(3);
}

TEST_F(SegmentLogTest, DamageInTheMiddleOfTheLastSegmentIsDataLoss) {
  Fill(4);
  const std::string path = Segments()[0];
  disk_.Corrupt(path, 72 + 40);
  const std::string before = disk_.Contents(path);
  const auto log = Open();
  ASSERT_FALSE(log.has_value());
  EXPECT_EQ(log.error().code(), Code::kDataLoss);
  EXPECT_THAT(log.error().message(), HasSubstr(path + " at byte 72"));
  EXPECT_EQ(disk_.Contents(path), before);
}

TEST_F(SegmentLogTest, DamageInASealedSegmentIsDataLossWithFileAndPosition) {
  Fill(100);
  const std::string path = Segments()[1];
  disk_.Corrupt(path, 200);
  auto log = Open();
  ASSERT_TRUE(log.has_value()) << log.error();
  const auto events = (*log)->Read(0, 1000, 1 << 30);
  ASSERT_FALSE(events.has_value());
  EXPECT_EQ(events.error().code(), Code::kDataLoss);
  EXPECT_THAT(events.error().message(), HasSubstr(path + " at byte "));

  log->reset();
  for (const std::string& name : Names()) {
    if (!name.ends_with(".index")) continue;
    ASSERT_TRUE(disk_.Remove("log/" + name).ok());
  }
  const auto scanned = Open();
  ASSERT_FALSE(scanned.has_value());
  EXPECT_EQ(scanned.error().code(), Code::kDataLoss);
  EXPECT_THAT(scanned.error().message(), HasSubstr(path + " at byte "));
}

TEST_F(SegmentLogTest, AMissingSegmentIsDataLoss) {
  Fill(100);
  ASSERT_TRUE(disk_.Remove(Segments()[2]).ok());
  const auto log = Open();
  ASSERT_FALSE(log.has_value());
  EXPECT_EQ(log.error().code(), Code::kDataLoss);
}

TEST_F(SegmentLogTest, AMissingDescriptionOrRegistryIsDataLoss) {
  for (const std::string name : {"log/META", "log/clients"}) {
    Fill(3);
    const std::string contents = disk_.Contents(name);
    ASSERT_TRUE(disk_.Remove(name).ok());
    const auto log = Open();
    ASSERT_FALSE(log.has_value()) << name;
    EXPECT_EQ(log.error().code(), Code::kDataLoss);
    ASSERT_TRUE(ReplaceFile(disk_, "log", name.substr(4), contents).ok());
  }
}

TEST_F(SegmentLogTest, ANewerFormatIsRefused) {
  Fill(3);
  std::string meta = disk_.Contents("log/META");
  const size_t at = meta.find("version 1");
  ASSERT_NE(at, std::string::npos);
  meta.replace(at, 9, "version 2");
  ASSERT_TRUE(ReplaceFile(disk_, "log", "META", meta).ok());
  const auto log = Open();
  ASSERT_FALSE(log.has_value());
  EXPECT_EQ(log.error().code(), Code::kFailedPrecondition);
  EXPECT_THAT(log.error().message(), HasSubstr("newer version (format 2"));
}

TEST_F(SegmentLogTest, ASegmentOfANewerFormatIsRefused) {
  Fill(3);
  auto file = disk_.Open(Segments()[0]);
  ASSERT_TRUE((*file)->WriteAt(8, std::string("\x02\0\0\0", 4)).ok());
  const auto log = Open();
  ASSERT_FALSE(log.has_value());
  EXPECT_EQ(log.error().code(), Code::kFailedPrecondition);
}

TEST_F(SegmentLogTest, Rule2ASegmentOfAnotherLogIsRefused) {
  Fill(3);
  auto other = SegmentLog::Open(disk_, clock_, "other", {});
  ASSERT_TRUE(other.has_value());
  ASSERT_NE((*other)->log_id(), (*Open())->log_id());
  const std::string name = Segments()[0].substr(4);
  ASSERT_TRUE(ReplaceFile(disk_, "log", name, disk_.Contents("other/" + name)).ok());
  const auto log = Open();
  ASSERT_FALSE(log.has_value());
  EXPECT_THAT(log.error().message(), HasSubstr("belongs to the log " + (*other)->log_id()));
}

TEST_F(SegmentLogTest, AnEventBeyondTheLimitOfARecordIsRefusedAlone) {
  auto log = Open();
  Event large = Make("large");
  large.value = std::string(65 << 20, 'x');
  const auto results = (*log)->Append({Make("a"), large, Make("b")});
  ASSERT_TRUE(results.has_value());
  EXPECT_EQ((*results)[1].error().code(), Code::kInvalidArgument);
  EXPECT_EQ((*results)[2]->offset, 2);
}

TEST(SegmentLogOnDiskTest, ASecondProcessIsRefusedWithTheHoldersPid) {
  std::string directory = (std::filesystem::temp_directory_path() / "log_lock_XXXXXX").string();
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  {
    FixedClock clock;
    auto log = SegmentLog::Open(PosixFileSystem(), clock, directory, {});
    ASSERT_TRUE(log.has_value()) << log.error();
    const pid_t child = fork();
    if (child == 0) {
      const auto second = SegmentLog::Open(PosixFileSystem(), clock, directory, {});
      const bool refused =
          !second && second.error().code() == Code::kFailedPrecondition &&
          second.error().message().find("locked by another process (pid " +
                                        std::to_string(getppid()) + ")") != std::string::npos;
      _exit(refused ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace aiflow
