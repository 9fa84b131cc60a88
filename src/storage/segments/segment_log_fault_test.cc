#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "storage/io/sim_file_system.h"
#include "storage/segments/segment_log.h"

namespace aiflow {
namespace {

class FixedClock final : public Clock {
 public:
  Millis Now() const override { return Millis(1000); }
  std::chrono::nanoseconds Monotonic() const override { return Now(); }
};

/// Runs one scenario of appends and registrations over a disk that fails, and remembers what was
/// acknowledged and what was refused.
class Scenario {
 public:
  explicit Scenario(uint64_t seed) : disk_(seed) {}

  SimFileSystem& disk() { return disk_; }
  SegmentLog* log() { return log_.get(); }
  void CloseLog() { log_.reset(); }

  Status Open() {
    log_.reset();
    auto opened =
        SegmentLog::Open(disk_, clock_, "log", {.segment_bytes = 3000, .reserve_bytes = 4096});
    if (!opened) return opened.error();
    log_ = std::move(*opened);
    return Status::Ok();
  }

  /// Appends `count` new events in one batch. True when acknowledged.
  bool Append(int count, size_t value_bytes) {
    std::vector<Event> events;
    for (int i = 0; i < count; ++i) {
      Event event;
      event.key = "key";
      event.id = "id-" + std::to_string(++next_id_);
      event.value = std::string(value_bytes, static_cast<char>('a' + next_id_ % 26));
      events.push_back(event);
    }
    const Offset head = log_->head();
    const auto results = log_->Append(events);
    if (!results) {
      EXPECT_EQ(log_->head(), head);
      for (const Event& event : events) refused_[event.id] = event;
      return false;
    }
    for (size_t i = 0; i < events.size(); ++i) {
      EXPECT_TRUE((*results)[i].has_value());
      events[i].offset = (*results)[i]->offset;
      events[i].create_time = (*results)[i]->create_time;
      acknowledged_.push_back(events[i]);
    }
    return true;
  }

  /// Small, page-crossing and large batches, over several segments, with clients between.
  void Run() {
    if (!Open().ok()) return;
    for (int round = 0; round < 4; ++round) {
      Append(1, 20);
      Append(3, 200);
      if (const auto id = log_->RegisterClient("n", "s")) last_client_ = *id;
      Append(2, 1500);
      MoveCursor();
      Append(1, 5000);
    }
  }

  /// Moves the cursor of a consumer to the head; the first time makes it.
  void MoveCursor() {
    wanted_cursor_ = log_->head();
    const auto moved = cursor_ < 0 ? log_->RegisterConsumer("reader", wanted_cursor_)
                                   : log_->CommitConsumer("reader", wanted_cursor_);
    if (moved) cursor_ = moved->cursor;
  }

  /// Everything acknowledged is there at its offset, offsets are dense, nothing is twice, and of
  /// what was not acknowledged there is at most the batch in flight at the crash.
  void ExpectIntact(const std::string& where) {
    if (::testing::Test::HasFatalFailure()) return;
    const Status opened = Open();
    ASSERT_TRUE(opened.ok()) << where << ": " << opened;
    const auto events = log_->Read(0, 1'000'000, size_t{1} << 30);
    ASSERT_TRUE(events.has_value()) << where << ": " << events.error();
    ASSERT_EQ(static_cast<size_t>(log_->head()), events->size()) << where;
    ASSERT_GE(events->size(), acknowledged_.size()) << where;
    for (size_t i = 0; i < events->size(); ++i) {
      ASSERT_EQ((*events)[i].offset, static_cast<Offset>(i) + 1) << where;
      if (i < acknowledged_.size()) {
        ASSERT_EQ((*events)[i], acknowledged_[i]) << where;
      } else {
        ASSERT_TRUE(refused_.contains((*events)[i].id)) << where;
      }
    }
    ASSERT_EQ(*log_->ClientExists(last_client_), last_client_ > 0) << where;
    ASSERT_FALSE(*log_->ClientExists(last_client_ + 2)) << where;
    const auto consumers = log_->Consumers();
    if (cursor_ >= 0) {
      ASSERT_EQ(consumers.size(), 1U) << where;
    }
    for (const Consumer& consumer : consumers) {
      ASSERT_TRUE(consumer.cursor == cursor_ || consumer.cursor == wanted_cursor_)
          << where << ": " << consumer.cursor;
    }
  }

  /// Sending everything again, as clients do, leaves each event there once.
  void ExpectRetriesAreHarmless(const std::string& where) {
    if (::testing::Test::HasFatalFailure()) return;
    for (const Event& event : acknowledged_) {
      const auto again = log_->Append({event});
      ASSERT_TRUE(again.has_value()) << where << ": " << again.error();
      ASSERT_TRUE((*again)[0]->duplicate) << where;
      ASSERT_EQ((*again)[0]->offset, event.offset) << where;
    }
    for (const auto& [id, event] : refused_) {
      const auto again = log_->Append({event});
      ASSERT_TRUE(again.has_value()) << where << ": " << again.error();
      ASSERT_TRUE((*again)[0].has_value()) << where;
    }
    ASSERT_EQ(static_cast<size_t>(log_->head()), acknowledged_.size() + refused_.size()) << where;
  }

 private:
  FixedClock clock_;
  SimFileSystem disk_;
  std::unique_ptr<SegmentLog> log_;
  int next_id_ = 0;
  int64_t last_client_ = 0;
  Offset cursor_ = -1;  // acknowledged; -1: there is no consumer
  Offset wanted_cursor_ = -1;
  std::vector<Event> acknowledged_;
  std::map<std::string, Event> refused_;
};

int64_t OperationsOfScenario() {
  Scenario scenario(0);
  scenario.Run();
  return scenario.disk().operations();
}

TEST(SegmentLogFaultTest, R3ACrashAtEveryOperationLosesNothingAcknowledged) {
  const int64_t operations = OperationsOfScenario();
  ASSERT_GT(operations, 60);
  for (int64_t at = 1; at <= operations; ++at) {
    for (uint64_t seed = 0; seed < 8; ++seed) {
      const std::string where =
          "operation " + std::to_string(at) + ", seed " + std::to_string(seed);
      Scenario scenario(seed);
      scenario.disk().CrashAt(at);
      scenario.Run();
      scenario.disk().Crash();
      scenario.ExpectIntact(where);
      // What was readable after the first start is durable: a second crash changes nothing.
      const Offset head = scenario.log()->head();
      scenario.disk().Crash();
      scenario.ExpectIntact(where + ", again");
      ASSERT_EQ(scenario.log()->head(), head) << where;
      scenario.ExpectRetriesAreHarmless(where);
      scenario.disk().Crash();
      scenario.ExpectIntact(where + ", after retries");
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(SegmentLogFaultTest, R3ACrashWhileRecoveringFromACrashIsHarmless) {
  const int64_t operations = OperationsOfScenario();
  for (int64_t at = 5; at <= operations; at += 3) {
    for (int64_t step = 1; step <= 12; ++step) {
      const std::string where =
          "operation " + std::to_string(at) + ", then " + std::to_string(step);
      Scenario scenario(static_cast<uint64_t>(at));
      scenario.disk().CrashAt(at);
      scenario.Run();
      scenario.disk().Crash();
      scenario.disk().CrashAt(scenario.disk().operations() + step);
      (void)scenario.Open();
      scenario.disk().Crash();
      scenario.ExpectIntact(where);
      scenario.ExpectRetriesAreHarmless(where);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(SegmentLogFaultTest, AfterAKillWhatAReaderSawSurvivesALaterPowerFailure) {
  const int64_t operations = OperationsOfScenario();
  for (int64_t at = 5; at <= operations; ++at) {
    const std::string where = "operation " + std::to_string(at);
    Scenario scenario(static_cast<uint64_t>(at));
    scenario.disk().CrashAt(at);
    scenario.Run();
    scenario.disk().KillProcess();
    scenario.ExpectIntact(where);
    const Offset head = scenario.log()->head();
    scenario.disk().Crash();
    scenario.ExpectIntact(where + ", power lost");
    ASSERT_EQ(scenario.log()->head(), head) << where;
  }
}

TEST(SegmentLogFaultTest, AFailureOfAnyOperationIsRefusedCleanlyAndTheLogGoesOn) {
  const int64_t operations = OperationsOfScenario();
  Scenario opened(0);
  ASSERT_TRUE(opened.Open().ok());
  const int64_t first = opened.disk().operations() + 1;
  for (int64_t at = first; at <= operations; ++at) {
    for (const Code code : {Code::kUnavailable, Code::kResourceExhausted}) {
      const std::string where = "operation " + std::to_string(at);
      Scenario scenario(static_cast<uint64_t>(at));
      scenario.disk().FailAt(at, Status(code, "injected"));
      scenario.Run();
      ASSERT_TRUE(scenario.Append(2, 300)) << where;
      scenario.disk().Crash();
      scenario.ExpectIntact(where);
      scenario.ExpectRetriesAreHarmless(where);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(SegmentLogFaultTest, ARefusedBatchNeverBecomesVisibleOnceItWasUndone) {
  const int64_t operations = OperationsOfScenario();
  for (int64_t at = 8; at <= operations; ++at) {
    Scenario scenario(static_cast<uint64_t>(at));
    if (!scenario.Open().ok()) continue;
    scenario.disk().FailAt(at, Status(Code::kUnavailable, "injected"));
    for (int i = 0; i < 20; ++i) {
      const Offset head = scenario.log()->head();
      if (scenario.Append(3, 500)) continue;
      scenario.disk().Crash();
      ASSERT_TRUE(scenario.Open().ok());
      ASSERT_EQ(scenario.log()->head(), head) << "operation " << at;
      break;
    }
  }
}

TEST(SegmentLogFaultTest, AfterAFailedRollASmallBatchDoesNotGoToTheFullSegment) {
  int refused = 0;
  for (int64_t step = 1; step <= 12; ++step) {
    Scenario scenario(static_cast<uint64_t>(step));
    ASSERT_TRUE(scenario.Open().ok());
    ASSERT_TRUE(scenario.Append(1, 2000));
    scenario.disk().FailAt(scenario.disk().operations() + step,
                           Status(Code::kUnavailable, "injected"));
    refused += scenario.Append(1, 2000) ? 0 : 1;
    ASSERT_TRUE(scenario.Append(1, 20)) << step;
    scenario.ExpectIntact("step " + std::to_string(step));
    scenario.disk().Crash();
    scenario.ExpectIntact("step " + std::to_string(step) + ", crashed");
    scenario.ExpectRetriesAreHarmless("step " + std::to_string(step));
  }
  EXPECT_GT(refused, 3);
}

TEST(SegmentLogFaultTest, R6AFullDiskIsRefusedAndTheLogGoesOnWhenThereIsSpace) {
  Scenario scenario(7);
  ASSERT_TRUE(scenario.Open().ok());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(scenario.Append(1, 100));
  scenario.disk().SetCapacity(scenario.disk().used() + 2000);
  int refused = 0;
  for (int i = 0; i < 20; ++i) refused += scenario.Append(1, 4000) ? 0 : 1;
  EXPECT_GT(refused, 0);
  scenario.disk().SetCapacity(1 << 30);
  EXPECT_TRUE(scenario.Append(1, 4000));
  scenario.disk().Crash();
  scenario.ExpectIntact("full disk");
  scenario.ExpectRetriesAreHarmless("full disk");
}

TEST(SegmentLogFaultTest, TheErrorOfAFullDiskSaysSo) {
  Scenario scenario(7);
  ASSERT_TRUE(scenario.Open().ok());
  scenario.disk().SetCapacity(0);
  const auto refused = scenario.log()->Append({Event{.key = "a"}});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::kResourceExhausted);
  EXPECT_EQ(scenario.log()->RegisterClient("", "").error().code(), Code::kResourceExhausted);
}

}  // namespace
}  // namespace aiflow
