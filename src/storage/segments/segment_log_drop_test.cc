// Removing old segments over a disk that fails and crashes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "storage/io/sim_file_system.h"
#include "storage/segments/segment_log.h"

namespace aiflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SetClock final : public Clock {
 public:
  Millis Now() const override { return now_; }
  std::chrono::nanoseconds Monotonic() const override { return now_; }
  void Set(Millis now) { now_ = now; }

 private:
  Millis now_{1000};
};

/// A log over a disk that fails, and a memory of what it has answered.
class DropScenario {
 public:
  explicit DropScenario(uint64_t seed) : disk_(seed) {}

  SimFileSystem& disk() { return disk_; }
  SetClock& clock() { return clock_; }
  SegmentLog& log() { return *log_; }
  void Close() { log_.reset(); }

  Status Open() {
    log_.reset();
    auto opened =
        SegmentLog::Open(disk_, clock_, "log", {.segment_bytes = 1500, .reserve_bytes = 4096});
    if (!opened) return opened.error();
    log_ = std::move(*opened);
    return Status::Ok();
  }

  /// Every third event comes from a registered client, every fourth has no id.
  bool Append() {
    Event event;
    event.key = "key";
    ++next_;
    if (next_ % 3 == 0 && client_ > 0) {
      event.id = "c/" + std::to_string(client_) + "/" + std::to_string(next_);
    } else if (next_ % 4 != 0) {
      event.id = "w/default/" + std::to_string(next_);
    }
    event.value = std::string(static_cast<size_t>(50 + next_ % 5 * 60), 'v');
    const auto results = log_->Append({event});
    if (!results) {
      if (!event.id.empty()) refused_.push_back(event);
      return false;
    }
    event.offset = (*results)[0]->offset;
    event.create_time = (*results)[0]->create_time;
    stored_.emplace(event.offset, event);
    return true;
  }

  /// True when it was done.
  bool Drop(Offset offset) {
    wanted_ = std::max(wanted_, offset);
    for (;;) {
      const auto progress = log_->DropBefore(offset);
      if (!progress) return false;
      first_ = progress->first;
      if (progress->done) return true;
    }
  }

  /// Appends and removes in turn, in the end everything.
  void Run() {
    if (!Open().ok()) return;
    if (const auto id = log_->RegisterClient("n", "s")) client_ = *id;
    for (int round = 1; round <= 3; ++round) {
      for (int i = 0; i < 14; ++i) Append();
      Drop(std::min<Offset>(log_->head() + 1, round * 10));
    }
    Drop(log_->head() + 1);
    Append();
  }

  /// The log begins where it was said to, or where the last removal would end; everything behind is
  /// there, offsets are dense, and nothing else is.
  void ExpectIntact(const std::string& where) {
    if (::testing::Test::HasFatalFailure()) return;
    const Status opened = Open();
    ASSERT_TRUE(opened.ok()) << where << ": " << opened;
    ASSERT_GE(log_->first(), first_) << where;
    ASSERT_LE(log_->first(), std::max(first_, wanted_)) << where;
    const Offset last_stored = stored_.empty() ? 0 : stored_.rbegin()->first;
    ASSERT_GE(log_->head(), last_stored) << where;
    const auto events = log_->Read(log_->first() - 1, 1'000'000, size_t{1} << 30);
    ASSERT_TRUE(events.has_value()) << where << ": " << events.error();
    ASSERT_EQ(static_cast<Offset>(events->size()), log_->head() + 1 - log_->first()) << where;
    Offset expected = log_->first();
    for (const Event& event : *events) {
      ASSERT_EQ(event.offset, expected) << where;
      if (stored_.contains(expected)) {
        ASSERT_EQ(event, stored_.at(expected)) << where;
      }
      ++expected;
    }
    const auto below = log_->Read(log_->first() - 2, 1, 1);
    ASSERT_EQ(below.error().code(), Code::kOutOfRange) << where;
    for (const std::string& name : Names()) {
      const Offset number = std::max(Segment::FirstOf(name), Segment::FirstOfIndex(name));
      ASSERT_TRUE(number == 0 || number >= log_->first()) << where << ": " << name << " is left";
      ASSERT_LT(KeptKeys::FirstOf(name), log_->first()) << where << ": " << name << " is left";
      ASSERT_FALSE(name.ends_with(".tmp")) << where << ": " << name << " is left";
    }
  }

  /// No event that was ever acknowledged is taken for a new one.
  void ExpectRepetitionsAreKnown(const std::string& where) {
    if (::testing::Test::HasFatalFailure()) return;
    const Offset head = log_->head();
    for (const auto& [offset, event] : stored_) {
      if (event.id.empty()) continue;
      const auto again = log_->Append({event});
      ASSERT_TRUE(again.has_value()) << where << ": " << again.error();
      const auto& answer = (*again)[0];
      if (event.id.starts_with("c/") && offset < log_->first()) {
        ASSERT_EQ(answer.error().code(), Code::kAlreadyExists) << where << " " << event.id;
        continue;
      }
      ASSERT_TRUE(answer.has_value()) << where << ": " << answer.error();
      ASSERT_TRUE(answer->duplicate) << where << " " << event.id;
      ASSERT_EQ(answer->offset, offset) << where;
      ASSERT_EQ(answer->create_time, event.create_time) << where;
    }
    ASSERT_EQ(log_->head(), head) << where;
  }

  /// Nothing is left of what was removed but its keys.
  std::vector<std::string> Names() {
    const auto names = disk_.List("log");
    EXPECT_TRUE(names.has_value());
    return *names;
  }

 private:
  SetClock clock_;
  SimFileSystem disk_;
  std::unique_ptr<SegmentLog> log_;
  int64_t client_ = 0;
  int next_ = 0;
  Offset first_ = 1;   // as answered last
  Offset wanted_ = 0;  // the highest that was asked for
  std::map<Offset, Event> stored_;
  std::vector<Event> refused_;
};

int64_t OperationsOfScenario() {
  DropScenario scenario(0);
  scenario.Run();
  EXPECT_EQ(scenario.log().first(), scenario.log().head());
  return scenario.disk().operations();
}

TEST(SegmentLogDropTest, R3ACrashAtEveryOperationLeavesAReadableLog) {
  const int64_t operations = OperationsOfScenario();
  ASSERT_GT(operations, 200);
  for (int64_t at = 1; at <= operations; ++at) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
      const std::string where =
          "operation " + std::to_string(at) + ", seed " + std::to_string(seed);
      DropScenario scenario(seed);
      scenario.disk().CrashAt(at);
      scenario.Run();
      scenario.disk().Crash();
      scenario.ExpectIntact(where);
      const Offset first = scenario.log().first();
      scenario.ExpectRepetitionsAreKnown(where);
      scenario.disk().Crash();
      scenario.ExpectIntact(where + ", again");
      // What a reader was told stays so.
      ASSERT_EQ(scenario.log().first(), first) << where;
      // And removing goes on.
      ASSERT_TRUE(scenario.Append()) << where;
      ASSERT_TRUE(scenario.Drop(scenario.log().head())) << where;
      ASSERT_TRUE(scenario.Drop(scenario.log().head() + 1)) << where;
      ASSERT_EQ(scenario.log().first(), scenario.log().head() + 1) << where;
      scenario.ExpectRepetitionsAreKnown(where + ", removed");
      scenario.disk().Crash();
      scenario.ExpectIntact(where + ", removed");
      scenario.ExpectRepetitionsAreKnown(where + ", removed, again");
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(SegmentLogDropTest, R3AKillAtEveryOperationLeavesAReadableLog) {
  const int64_t operations = OperationsOfScenario();
  for (int64_t at = 1; at <= operations; ++at) {
    const std::string where = "operation " + std::to_string(at);
    DropScenario scenario(static_cast<uint64_t>(at));
    scenario.disk().CrashAt(at);
    scenario.Run();
    scenario.disk().KillProcess();
    scenario.ExpectIntact(where);
    const Offset first = scenario.log().first();
    scenario.ExpectRepetitionsAreKnown(where);
    scenario.disk().Crash();
    scenario.ExpectIntact(where + ", power lost");
    ASSERT_EQ(scenario.log().first(), first) << where;
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(SegmentLogDropTest, R3ACrashWhileRecoveringIsHarmless) {
  const int64_t operations = OperationsOfScenario();
  for (int64_t at = 20; at <= operations; at += 5) {
    for (int64_t step = 1; step <= 8; ++step) {
      const std::string where =
          "operation " + std::to_string(at) + ", then " + std::to_string(step);
      DropScenario scenario(static_cast<uint64_t>(at));
      scenario.disk().CrashAt(at);
      scenario.Run();
      scenario.disk().Crash();
      scenario.disk().CrashAt(scenario.disk().operations() + step);
      (void)scenario.Open();
      scenario.disk().Crash();
      scenario.ExpectIntact(where);
      scenario.ExpectRepetitionsAreKnown(where);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(SegmentLogDropTest, AFailureOfAnyOperationIsTriedAgain) {
  const int64_t operations = OperationsOfScenario();
  DropScenario opened(0);
  ASSERT_TRUE(opened.Open().ok());
  for (int64_t at = opened.disk().operations() + 3; at <= operations; ++at) {
    const std::string where = "operation " + std::to_string(at);
    DropScenario scenario(static_cast<uint64_t>(at));
    scenario.disk().FailAt(at, Status(Code::kUnavailable, "injected"));
    scenario.Run();
    ASSERT_TRUE(scenario.Append()) << where;
    ASSERT_TRUE(scenario.Drop(scenario.log().head())) << where;
    ASSERT_GT(scenario.log().first(), 30) << where;
    scenario.ExpectRepetitionsAreKnown(where);
    scenario.disk().Crash();
    scenario.ExpectIntact(where);
    scenario.ExpectRepetitionsAreKnown(where);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(SegmentLogDropTest, OnlyKeysAreLeftOfWhatWasRemovedAndTheyGoInTime) {
  DropScenario scenario(1);
  scenario.Run();
  const auto count = [&](const std::string& suffix) {
    const std::vector<std::string> names = scenario.Names();
    return std::ranges::count_if(names, [&](const auto& name) { return name.ends_with(suffix); });
  };
  EXPECT_EQ(count(".segment"), 1);
  EXPECT_EQ(count(".index"), 0);
  EXPECT_GT(count(".keys"), 5);
  EXPECT_EQ(count(".tmp"), 0);
  scenario.clock().Set(Millis(1000) + kIdempotenceWindow);
  ASSERT_TRUE(scenario.Drop(0));
  EXPECT_EQ(count(".keys"), 0);
  scenario.Close();
  ASSERT_TRUE(scenario.Open().ok());
}

TEST(SegmentLogDropTest, ALongSegmentIsRemovedInShortSteps) {
  SimFileSystem disk(1);
  SetClock clock;
  auto log = *SegmentLog::Open(disk, clock, "log", {.segment_bytes = 64 << 20});
  std::vector<Event> events(1000);
  for (int batch = 0; batch < 20; ++batch) {
    for (size_t i = 0; i < events.size(); ++i) {
      events[i].id = "w/default/" + std::to_string(batch) + "-" + std::to_string(i);
    }
    ASSERT_TRUE(log->Append(events).has_value());
  }
  int steps = 0;
  while (!log->DropBefore(20'001)->done) {
    ++steps;
    // Appends go on between the steps.
    ASSERT_TRUE(log->Append({Event{.key = "between"}}).has_value());
  }
  EXPECT_GE(steps, 5);
  EXPECT_EQ(log->first(), 20'001);
  EXPECT_EQ(log->Read(20'000, 1000, 1 << 20)->size(), static_cast<size_t>(log->head() - 20'000));
}

class DamagedRemovalTest : public ::testing::Test {
 protected:
  DamagedRemovalTest() {
    scenario_.Run();
    scenario_.Close();
  }
  std::string NameWith(const std::string& suffix) {
    for (const std::string& name : scenario_.Names()) {
      if (name.ends_with(suffix)) return "log/" + name;
    }
    return "";
  }
  DropScenario scenario_{1};
};

TEST_F(DamagedRemovalTest, DamagedKeysAreDataLossByName) {
  for (const uint64_t position : {0, 20, 90}) {
    scenario_.disk().Corrupt(NameWith(".keys"), position);
    const Status opened = scenario_.Open();
    EXPECT_EQ(opened.code(), Code::kDataLoss) << opened;
    EXPECT_THAT(opened.message(), HasSubstr(NameWith(".keys")));
    EXPECT_THAT(opened.message(), HasSubstr("remove the file"));
    scenario_.disk().Corrupt(NameWith(".keys"), position);
  }
  EXPECT_TRUE(scenario_.Open().ok());
}

TEST_F(DamagedRemovalTest, ADamagedMemoryOfRemovalsIsDataLossByName) {
  for (const uint64_t position : {0, 14, 60}) {
    scenario_.disk().Corrupt("log/removed", position);
    const Status opened = scenario_.Open();
    EXPECT_EQ(opened.code(), Code::kDataLoss) << opened;
    EXPECT_THAT(opened.message(), HasSubstr("log/removed"));
    scenario_.disk().Corrupt("log/removed", position);
  }
  EXPECT_TRUE(scenario_.Open().ok());
}

TEST_F(DamagedRemovalTest, AMissingFirstSegmentIsDataLoss) {
  ASSERT_TRUE(scenario_.disk().Remove(NameWith(".segment")).ok());
  const Status opened = scenario_.Open();
  EXPECT_EQ(opened.code(), Code::kDataLoss);
  EXPECT_THAT(opened.message(), HasSubstr(".segment is missing"));
}

// Without the memory of removals the log would begin at 1 and lack its first segments.
TEST_F(DamagedRemovalTest, AMissingMemoryOfRemovalsIsDataLoss) {
  ASSERT_TRUE(scenario_.disk().Remove("log/removed").ok());
  const std::vector<std::string> names = scenario_.Names();
  EXPECT_EQ(scenario_.Open().code(), Code::kDataLoss);
  EXPECT_EQ(scenario_.Names(), names);
}

}  // namespace
}  // namespace aiflow
