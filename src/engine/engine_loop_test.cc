#include "engine/engine_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <utility>

#include "engine/engine_world.h"
#include "scheduler/state_rep.h"

namespace aiflow {
namespace {

using engine_world::StartFlow;
using engine_world::Task;
using engine_world::Upload;
using engine_world::UserEvent;
using engine_world::World;
using ::testing::HasSubstr;

constexpr std::chrono::seconds kLong{20};

class EngineLoopTest : public ::testing::Test {
 protected:
  void Start(EngineOptions options = {}) {
    engine_ = std::make_unique<Engine>(world_.log, world_.store, world_.blobs, world_.executor,
                                       world_.planner, std::move(options));
    loop_ = std::make_unique<EngineLoop>(*engine_, world_.log, world_.store,
                                         EngineLoopOptions{.first_backoff = Millis(1)},
                                         [this](const Status& status) { lost_.set_value(status); });
    ASSERT_TRUE(loop_->Start().ok());
  }

  std::future<Result<ReplyRow>> Submit(const Request& request, const std::string& id = "") {
    auto answer = std::make_shared<std::promise<Result<ReplyRow>>>();
    loop_->Submit(request, id,
                  [answer](Result<ReplyRow> reply) { answer->set_value(std::move(reply)); });
    return answer->get_future();
  }
  Result<ReplyRow> Ask(const Request& request, const std::string& id = "") {
    auto answer = Submit(request, id);
    if (answer.wait_for(kLong) != std::future_status::ready) {
      return Error(Code::kDeadlineExceeded, "no answer");
    }
    return answer.get();
  }
  void UploadFlow() { world_.log.Append(Upload(world_, {Task("a", "go")})); }

  World world_;
  std::promise<Status> lost_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<EngineLoop> loop_;
};

TEST_F(EngineLoopTest, Rule26TheThreadWakesForATimerOfTheState) {
  Start();
  TaskSpec tick = Task("a");
  tick.periodic = "interval@0 0 0 1";
  tick.overlap = Overlap::kQueue;
  world_.log.Append(Upload(world_, {tick}));
  ASSERT_TRUE(Ask(StartFlow()).has_value());
  std::promise<void> ticked;
  bool done = false;
  const uint64_t watch = loop_->Watch(ExecutionId(1), [&] {
    const auto tasks = world_.store.ListTasks(ExecutionId(1));
    if (!done && tasks.has_value() && !tasks->empty() && !(*tasks)[0].pending_starts.empty()) {
      done = true;
      ticked.set_value();
    }
  });
  EXPECT_EQ(ticked.get_future().wait_for(kLong), std::future_status::ready);
  loop_->Unwatch(watch);
}

TEST_F(EngineLoopTest, WhoWaitsForAnEventIsToldOnceItIsDecided) {
  std::promise<void> entered;
  std::promise<void> release;
  EngineOptions options;
  options.decide = [&](const State& state, const DecideInput& input) {
    if (input.event.key == "held") {
      entered.set_value();
      release.get_future().wait();
    }
    return Decide(state, input);
  };
  Start(std::move(options));
  const Offset offset = world_.log.Append(UserEvent("held"));
  ASSERT_EQ(entered.get_future().wait_for(kLong), std::future_status::ready);
  std::promise<Offset> told;
  loop_->WhenCommitted(offset, [&] { told.set_value(loop_->committed()); });
  auto committed = told.get_future();
  EXPECT_EQ(committed.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  release.set_value();
  ASSERT_EQ(committed.wait_for(kLong), std::future_status::ready);
  EXPECT_EQ(committed.get(), offset);
  // Also when that was long ago, or nobody decides any more.
  std::promise<void> again;
  loop_->WhenCommitted(offset, [&] { again.set_value(); });
  EXPECT_EQ(again.get_future().wait_for(kLong), std::future_status::ready);
  loop_->Stop();
  std::promise<void> ended;
  loop_->WhenCommitted(offset + 1, [&] { ended.set_value(); });
  EXPECT_EQ(ended.get_future().wait_for(kLong), std::future_status::ready);
}

TEST_F(EngineLoopTest, Rule23ReadersAreServedBetweenTheParts) {
  std::atomic<bool> armed = false;
  std::promise<int64_t> parts;
  world_.store.SetFaultHook([&] {
    if (armed.exchange(false)) {
      loop_->Read(
          [&](const Result<const State*>& state) { parts.set_value(PartsUnderWay(**state)); });
    }
    return CommitFault::kNone;
  });
  Start({.max_executions_per_commit = 1});
  UploadFlow();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Ask(StartFlow()).has_value());
  armed = true;
  world_.log.Append(UserEvent("go"));
  auto seen = parts.get_future();
  ASSERT_EQ(seen.wait_for(kLong), std::future_status::ready);
  EXPECT_EQ(seen.get(), 1);
  loop_->Stop();
}

TEST_F(EngineLoopTest, Rule3ARequestIsAnsweredWithItsReply) {
  Start();
  UploadFlow();
  const Result<ReplyRow> reply = Ask(StartFlow());
  ASSERT_TRUE(reply.has_value()) << reply.error();
  EXPECT_EQ(reply->id, 1);
  EXPECT_GE(loop_->committed(), reply->offset);
  EXPECT_EQ(loop_->epoch(), 1);
}

TEST_F(EngineLoopTest, AReplyWithAnErrorBecomesThatError) {
  Start();
  const Result<ReplyRow> reply = Ask(StartFlow());
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code(), Code::kNotFound);
  EXPECT_THAT(reply.error().message(), HasSubstr("flow"));
}

TEST_F(EngineLoopTest, Rule28ARepeatedRequestGetsTheSameAnswerAlsoFromTheNextServer) {
  Start();
  UploadFlow();
  const Result<ReplyRow> first = Ask(StartFlow(), "one");
  ASSERT_TRUE(first.has_value()) << first.error();
  EXPECT_EQ(Ask(StartFlow(), "one"), first);
  loop_->Stop();
  Start();
  EXPECT_EQ(Ask(StartFlow(), "one"), first);
  const Result<ReplyRow> second = Ask(StartFlow(), "two");
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->id, 2);
}

TEST_F(EngineLoopTest, AReadSeesTheStateOfTheLastCommitAndIsRefusedAfterTheEnd) {
  const auto executions = [this] {
    auto count = std::make_shared<std::promise<Result<size_t>>>();
    loop_->Read([count](const Result<const State*>& state) {
      count->set_value(state.map([](const State* s) { return s->rep().executions.size(); }));
    });
    return count->get_future().get();
  };
  Start();
  UploadFlow();
  ASSERT_TRUE(Ask(StartFlow()).has_value());
  EXPECT_EQ(executions(), 1U);
  loop_->Stop();
  const Result<size_t> refused = executions();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::kUnavailable);
}

TEST_F(EngineLoopTest, TheSameRequestIdForAnotherRequestIsRefused) {
  Start();
  UploadFlow();
  ASSERT_TRUE(Ask(StartFlow(), "one").has_value());
  const Result<ReplyRow> reply = Ask(StopWorkflowExecution{.execution_id = 1}, "one");
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code(), Code::kAlreadyExists);
  EXPECT_NE(reply.error().message().find("was used for another request"), std::string::npos);
}

TEST_F(EngineLoopTest, ARefusalOfTheLogIsPassedOn) {
  Start();
  world_.log.refuse_external = true;
  const Result<ReplyRow> reply = Ask(StartFlow());
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code(), Code::kUnavailable);
}

TEST_F(EngineLoopTest, ItGoesOnByItselfWhenTheStoreIsBack) {
  std::atomic<int> refusals = 3;
  world_.store.SetFaultHook(
      [&] { return refusals.fetch_sub(1) > 0 ? CommitFault::kRefused : CommitFault::kNone; });
  Start();
  UploadFlow();
  const Result<ReplyRow> reply = Ask(StartFlow());
  ASSERT_TRUE(reply.has_value()) << reply.error();
  EXPECT_LE(refusals, 0);
  loop_->Stop();
}

TEST_F(EngineLoopTest, ARefusedReportIsRetriedAfterAWhile) {
  Start();
  UploadFlow();
  ASSERT_TRUE(Ask(StartFlow()).has_value());
  std::promise<void> ended;
  const uint64_t watch = loop_->Watch(ExecutionId(1), [&] {
    const auto row = *world_.store.GetExecution(ExecutionId(1));
    if (row.has_value() && IsFinished(row->status)) ended.set_value();
  });
  world_.planner.broken = true;  // so that it is reported FAILED
  world_.log.refuse_internal = true;
  world_.log.Append(UserEvent("go"));
  world_.log.refusals.wait(0);
  world_.log.refuse_internal = false;
  EXPECT_EQ(ended.get_future().wait_for(kLong), std::future_status::ready);
  loop_->Unwatch(watch);
}

TEST_F(EngineLoopTest, ALostLeaseEndsTheThreadAndIsSaid) {
  Start();
  UploadFlow();
  ASSERT_TRUE(Ask(StartFlow()).has_value());
  loop_->Stop();  // the store is for one thread at a time
  Start();
  world_.store.SetFaultHook([&] {
    EXPECT_TRUE(world_.store.MemoryStore::TakeLease("server-b").has_value());
    return CommitFault::kRefused;
  });
  auto waiting = Submit(StartFlow());
  auto lost = lost_.get_future();
  ASSERT_EQ(lost.wait_for(kLong), std::future_status::ready);
  EXPECT_THAT(lost.get().message(), HasSubstr("lease lost to server-b"));
  ASSERT_EQ(waiting.wait_for(kLong), std::future_status::ready);
  EXPECT_EQ(waiting.get().error().code(), Code::kUnavailable);
  EXPECT_THAT(loop_->NotReadyReason(), HasSubstr("lease lost"));
  EXPECT_EQ(Ask(StartFlow()).error().code(), Code::kUnavailable);
}

TEST_F(EngineLoopTest, WatchersHearOfTheirExecutionOnly) {
  Start();
  UploadFlow();
  ASSERT_TRUE(Ask(StartFlow()).has_value());
  ASSERT_TRUE(Ask(StartFlow()).has_value());
  std::atomic<int> first = 0;
  std::promise<void> second;
  const uint64_t one = loop_->Watch(ExecutionId(1), [&] { ++first; });
  const uint64_t two = loop_->Watch(ExecutionId(2), [&] { second.set_value(); });
  ASSERT_TRUE(Ask(StopWorkflowExecution{.execution_id = 2}).has_value());
  EXPECT_EQ(second.get_future().wait_for(kLong), std::future_status::ready);
  loop_->Unwatch(one);  // waits for a call that is running
  loop_->Unwatch(two);
  ASSERT_TRUE(Ask(StopWorkflowExecution{.execution_id = 1}).has_value());
  loop_->Stop();
  EXPECT_EQ(first, 0);
}

TEST_F(EngineLoopTest, StopAnswersWhoeverWaits) {
  Start();
  world_.store.SetFaultHook([] { return CommitFault::kRefused; });
  auto waiting = Submit(StartFlow());
  loop_->Stop();
  ASSERT_EQ(waiting.wait_for(kLong), std::future_status::ready);
  EXPECT_EQ(waiting.get().error().code(), Code::kUnavailable);
  EXPECT_EQ(loop_->NotReadyReason().empty(), false);
  loop_->Stop();
}

TEST_F(EngineLoopTest, RequestsBeyondTheLimitAreRefusedAtOnce) {
  world_.store.SetFaultHook([] { return CommitFault::kRefused; });
  engine_ = std::make_unique<Engine>(world_.log, world_.store, world_.blobs, world_.executor,
                                     world_.planner, EngineOptions{});
  loop_ = std::make_unique<EngineLoop>(*engine_, world_.log, world_.store,
                                       EngineLoopOptions{.max_waiting_requests = 2}, nullptr);
  ASSERT_TRUE(loop_->Start().ok());
  auto one = Submit(StartFlow());
  auto two = Submit(StartFlow());
  const Result<ReplyRow> three = Ask(StartFlow());
  ASSERT_FALSE(three.has_value());
  EXPECT_EQ(three.error().code(), Code::kUnavailable);
  EXPECT_THAT(three.error().message(), HasSubstr("overloaded"));
  loop_->Stop();
}

}  // namespace
}  // namespace aiflow
