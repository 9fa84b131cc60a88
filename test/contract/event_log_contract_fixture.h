#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "storage/event_log.h"
#include "storage/memory/memory_log.h"
#include "storage/segments/segment_log.h"

/// The logs that keep the contract, and the language its tests are written in.
namespace aiflow {

class FakeClock final : public Clock {
 public:
  Millis Now() const override { return Millis(now_.load()); }
  std::chrono::nanoseconds Monotonic() const override { return Now(); }
  void Set(int64_t now) { now_ = now; }

 private:
  std::atomic<int64_t> now_{1000};
};

/// How each implementation is made, and made again from what it kept.
class MemoryWorld {
 public:
  explicit MemoryWorld(const Clock& clock)
      : log_(std::make_unique<MemoryLog>(clock, "memory-log")) {}
  EventLog& log() { return *log_; }
  void Reopen() { log_ = log_->Copy(); }

 private:
  std::unique_ptr<MemoryLog> log_;
};

class SegmentWorld {
 public:
  explicit SegmentWorld(const Clock& clock) : clock_(clock) {
    std::string name = (std::filesystem::temp_directory_path() / "event_log_XXXXXX").string();
    CHECK(mkdtemp(name.data()) != nullptr) << name;
    directory_ = name;
    Reopen();
  }
  ~SegmentWorld() {
    log_.reset();
    std::filesystem::remove_all(directory_);
  }
  EventLog& log() { return *log_; }
  void Reopen() {
    log_.reset();
    // Small segments, so that every test crosses several files.
    auto opened = SegmentLog::Open(PosixFileSystem(), clock_, directory_,
                                   {.segment_bytes = 400, .reserve_bytes = 4096});
    CHECK(opened.has_value()) << opened.error().ToString();
    log_ = std::move(*opened);
  }

 private:
  const Clock& clock_;
  std::string directory_;
  std::unique_ptr<SegmentLog> log_;
};

template <typename World>
class EventLogContract : public ::testing::Test {
 protected:
  EventLog& log() { return world_.log(); }
  void Reopen() { world_.Reopen(); }

  static Event Make(const std::string& key, const std::string& value = "v",
                    const std::string& id = "") {
    Event event;
    event.key = key;
    event.value = value;
    event.id = id;
    return event;
  }
  static Event From(const std::string& key, const std::string& ns, const std::string& sender) {
    Event event = Make(key);
    event.ns = ns;
    event.sender = sender;
    return event;
  }
  std::vector<Result<AppendResult>> Append(const std::vector<Event>& events) {
    auto results = log().Append(events);
    EXPECT_TRUE(results.has_value()) << results.error();
    return results ? *results : std::vector<Result<AppendResult>>();
  }
  AppendResult AppendOne(const Event& event) {
    const auto results = Append({event});
    EXPECT_EQ(results.size(), 1u);
    EXPECT_TRUE(results[0].has_value());
    return *results[0];
  }
  std::vector<Event> ReadAll() {
    auto events = log().Read(0, 1'000'000, 1 << 30);
    EXPECT_TRUE(events.has_value()) << events.error();
    return events ? *events : std::vector<Event>();
  }
  std::vector<Offset> Offsets(const EventFilter& filter, size_t max_events = 1000) {
    const auto events = log().List(filter, max_events, 1 << 30);
    EXPECT_TRUE(events.has_value());
    std::vector<Offset> offsets;
    for (const Event& event : *events) offsets.push_back(event.offset);
    return offsets;
  }

  /// Removes what can go below `offset`; returns the first offset that is kept.
  Offset Drop(Offset offset) {
    for (int steps = 0; steps < 100'000; ++steps) {
      const auto progress = log().DropBefore(offset);
      EXPECT_TRUE(progress.has_value()) << progress.error();
      if (!progress) return -1;
      EXPECT_EQ(progress->first, log().first());
      if (progress->done) return progress->first;
    }
    ADD_FAILURE() << "dropping events never ends";
    return -1;
  }
  /// Appends `count` events in batches of one, with ids w/default/1, 2 ... by offset.
  void Fill(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string name = std::to_string(log().head() + 1);
      AppendOne(Make("key", "value " + name, "w/default/" + name));
    }
  }
  /// What the log answers to event `offset` of Fill, sent again.
  Result<AppendResult> Repeat(Offset offset) {
    const std::string name = std::to_string(offset);
    return Append({Make("key", "value " + name, "w/default/" + name)})[0];
  }

  FakeClock clock_;
  World world_{clock_};
};

using EventLogWorlds = ::testing::Types<MemoryWorld, SegmentWorld>;

}  // namespace aiflow
