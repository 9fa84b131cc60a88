#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/fake_client.h"

/// Whole command lines against servers in memory.
namespace aiflow::cli {

class FakeEventClient : public EventClient {
 public:
  // Of all copies.
  std::shared_ptr<std::vector<v1::PublishRequest>> published =
      std::make_shared<std::vector<v1::PublishRequest>>();
  std::shared_ptr<std::deque<Status>> failures = std::make_shared<std::deque<Status>>();
  std::vector<v1::EventRecord> events;
  // Of all copies.
  std::shared_ptr<std::vector<v1::ListEventsRequest>> listed =
      std::make_shared<std::vector<v1::ListEventsRequest>>();
  std::shared_ptr<std::vector<v1::SubscribeRequest>> subscribed =
      std::make_shared<std::vector<v1::SubscribeRequest>>();
  int64_t offset_at = 0;
  // How each subscription ends after the events, in order; then kCancelled.
  std::shared_ptr<std::deque<Status>> ends = std::make_shared<std::deque<Status>>();

  Result<v1::PublishResponse> Publish(const v1::PublishRequest& request,
                                      std::chrono::milliseconds) override {
    published->push_back(request);
    if (!failures->empty()) {
      const Status failure = failures->front();
      failures->pop_front();
      return Error(failure);
    }
    v1::PublishResponse response;
    response.set_offset(5);
    response.set_create_time(1234);
    return response;
  }
  Status ListEvents(v1::ListEventsRequest request, const PageSink<v1::EventRecord>& sink) override {
    listed->push_back(request);
    for (const v1::EventRecord& event : events) {  // one a page
      Page<v1::EventRecord> page;
      *page.Add() = event;
      if (!sink(page)) break;
    }
    return Status::Ok();
  }
  Result<int64_t> CountEvents(const EventFilter&) override {
    return static_cast<int64_t>(events.size());
  }
  Result<int64_t> Head() override { return offset_at; }
  std::vector<v1::Consumer> consumers;
  Result<std::vector<v1::Consumer>> ListConsumers() override { return consumers; }
  Result<v1::Consumer> RegisterConsumer(const v1::RegisterConsumerRequest& request) override {
    v1::Consumer consumer;
    consumer.set_name(request.name());
    consumer.set_cursor(request.after_offset());
    return consumer;
  }
  Status DeleteConsumer(const std::string& name) override {
    for (const v1::Consumer& consumer : consumers) {
      if (consumer.name() == name) return Status::Ok();
    }
    return {Code::kNotFound, "there is no consumer '" + name + "'"};
  }
  Result<int64_t> OffsetAt(int64_t) override { return offset_at; }
  Status Subscribe(const v1::SubscribeRequest& request,
                   const std::function<bool(const v1::EventRecord&)>& sink) override {
    subscribed->push_back(request);
    for (const v1::EventRecord& event : events) {
      if (event.offset() > request.after_offset() && !sink(event)) return Status::Ok();
    }
    if (ends->empty()) return {Code::kCancelled, "the test has no more events"};
    const Status end = ends->front();
    ends->pop_front();
    return end;
  }
};

/// Goes on only when the test says so.
class HandClock : public Clock {
 public:
  Millis Now() const override { return std::chrono::duration_cast<Millis>(now_); }
  std::chrono::nanoseconds Monotonic() const override { return now_; }
  void Advance(std::chrono::nanoseconds time) { now_ += time; }

 private:
  std::chrono::nanoseconds now_ = std::chrono::hours(24);
};

/// A FakeClient that outlives itself: what was done to it is copied at its end.
class LentClient : public FakeClient {
 public:
  LentClient(const FakeClient& server, FakeClient& copy) : FakeClient(server), copy_(copy) {}
  LentClient(const LentClient&) = delete;
  LentClient& operator=(const LentClient&) = delete;
  ~LentClient() override { copy_ = static_cast<const FakeClient&>(*this); }

 private:
  FakeClient& copy_;
};

class CommandLineTest : public testing::Test {
 protected:
  int Run(const std::vector<std::string>& words) {
    out_.str("");
    err_.str("");
    client_ = nullptr;
    const World world{.terminal = {.out = out_,
                                   .err = err_,
                                   .out_is_terminal = terminal_,
                                   .in_is_terminal = person_},
                      .in = in_,
                      .environment = [](const std::string&) { return std::nullopt; },
                      .make_client =
                          [this](const std::string&, const client::Credentials&) {
                            client_ = &used_;
                            return std::make_unique<LentClient>(server_, used_);
                          },
                      .make_event_client =
                          [this](const std::string&, const client::Credentials&) {
                            auto client = std::make_unique<FakeEventClient>(events_);
                            return client;
                          },
                      .clock = hand_clock_,
                      .executable = "/nowhere/aiflow",
                      .sleep =
                          [this](std::chrono::milliseconds time) {
                            ++sleeps_;
                            hand_clock_.Advance(time);
                          }};
    return RunCommandLine(world, words, [this](CLI::App&, CommandSlot&) { ++more_; });
  }
  void AddWorkflow(const std::string& name) { server_.workflows.emplace_back().set_name(name); }
  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }

  FakeClient server_;
  FakeEventClient events_;
  FakeClient* client_ = nullptr;  // what the last command did to it; null: it asked none
  HandClock hand_clock_;
  int sleeps_ = 0;
  bool person_ = false;    // sits there and answers
  bool terminal_ = false;  // shows the output
  std::stringstream in_;
  int more_ = 0;

 private:
  FakeClient used_;
  std::ostringstream out_;
  std::ostringstream err_;
};

}  // namespace aiflow::cli
