#include "server/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>

#include "engine/engine_loop.h"
#include "engine/engine_world.h"

namespace aiflow::server {
namespace {

using engine_world::StartFlow;
using engine_world::Task;
using engine_world::Upload;
using engine_world::UserEvent;
using engine_world::World;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// The machine's clock, ahead by some time.
class LaterClock final : public Clock {
 public:
  Millis Now() const override { return SystemClock().Now() + ahead; }
  std::chrono::nanoseconds Monotonic() const override { return SystemClock().Monotonic(); }
  Millis ahead{0};
};

class FakeRetentionLog final : public RetentionLog {
 public:
  Offset First() const override { return first; }
  Result<Offset> OffsetBefore(Millis /*time*/) const override {
    if (broken) return Error(Code::kUnavailable, "the disk is gone");
    return old;
  }
  void DropBefore(Offset offset, std::function<void(Result<Offset>)> done) override {
    drops.push_back(offset);
    if (silent) return;
    first = offset;
    std::thread([done = std::move(done), offset] { done(offset); }).detach();
  }

  Offset first = 1;
  Offset old = 0;  // what OffsetBefore answers
  bool broken = false;
  bool silent = false;
  std::vector<Offset> drops;
};

class FakeFiles final : public RetentionFiles {
 public:
  Status SweepExecutions(const std::function<bool(ExecutionId)>& pruned,
                         const std::function<bool()>& /*stopping*/) override {
    swept.push_back({pruned(ExecutionId(1)), pruned(ExecutionId(2))});
    return status;
  }
  Status SweepBlobs(const std::set<std::string>& named_arg) override {
    named = named_arg;
    return Status::Ok();
  }

  std::vector<std::pair<bool, bool>> swept;  // whether runs of executions 1 and 2 were removed
  std::optional<std::set<std::string>> named;
  Status status;
};

class RetentionTest : public ::testing::Test {
 protected:
  RetentionTest()
      : engine_(world_.log, world_.store, world_.blobs, world_.executor, world_.planner, {}),
        loop_(engine_, world_.log, world_.store, {}, nullptr) {
    EXPECT_TRUE(loop_.Start().ok());
    clock_.ahead = std::chrono::hours(2);
    options_.keep = std::chrono::hours(1);
  }
  ~RetentionTest() override {
    retention_.reset();
    loop_.Stop();
  }

  Retention& Make() {
    if (!retention_.has_value()) {
      retention_.emplace(loop_, world_.store, log_, files_, clock_, options_,
                         [this](const RetentionReport& /*report*/) {
                           const std::lock_guard lock(mutex_);
                           ++rounds_;
                           changed_.notify_all();
                         });
    }
    return *retention_;
  }
  ReplyRow Ask(const Request& request) {
    std::promise<Result<ReplyRow>> promise;
    loop_.Submit(request, "", [&](Result<ReplyRow> reply) { promise.set_value(std::move(reply)); });
    const Result<ReplyRow> reply = promise.get_future().get();
    EXPECT_TRUE(reply.has_value()) << reply.error();
    return reply.value_or(ReplyRow{});
  }
  /// Everything in the log is committed.
  void Settle() { Ask(AddNamespace{"settle" + std::to_string(++settled_)}); }
  void UploadFlow(std::vector<TaskSpec> tasks, const std::string& hook = "") {
    WorkflowSpec spec;
    spec.name = "flow";
    spec.tasks = std::move(tasks);
    if (!hook.empty()) spec.hooks.push_back({.on_success = true, .command = hook});
    Ask(UploadWorkflow{.ns = "default",
                       .name = "flow",
                       .spec_digest = *world_.blobs.Put(FormatWorkflowSpec(spec))});
  }
  void Report(int64_t execution, int64_t sequence, TaskStatus status) {
    const AttemptKey attempt{ExecutionId(execution), 0, sequence, 1};
    world_.executor.sink({.key = attempt,
                          .token = AttemptTokens(world_.store.Meta()->secret).TokenOf(attempt),
                          .status = status});
    Settle();
  }
  /// An execution of the workflow that has ended.
  void RunOne() {
    const int64_t id = Ask(StartFlow()).id;
    Report(id, 1, TaskStatus::kSuccess);
    ASSERT_TRUE(IsFinished((*world_.store.GetExecution(ExecutionId(id)))->status));
  }
  [[nodiscard]] std::vector<int64_t> Executions() const {
    std::vector<int64_t> ids;
    const std::vector<ExecutionRow> executions = *world_.store.ListExecutions(WorkflowId(1), {});
    for (const ExecutionRow& row : executions) {
      ids.push_back(row.id.value());
    }
    return ids;
  }

  World world_;
  Engine engine_;
  EngineLoop loop_;
  LaterClock clock_;
  FakeRetentionLog log_;
  FakeFiles files_;
  RetentionOptions options_;
  std::optional<Retention> retention_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int rounds_ = 0;
  int settled_ = 0;
};

TEST_F(RetentionTest, Rule5FinishedExecutionsGoOnceTheyAreOldEnough) {
  UploadFlow({Task("a")});
  for (int i = 0; i < 3; ++i) RunOne();
  Ask(StartFlow());
  clock_.ahead = Millis(0);
  EXPECT_EQ(Make().Round().executions, 0);
  EXPECT_THAT(Executions(), ElementsAre(1, 2, 3, 4));
  clock_.ahead = std::chrono::hours(2);
  const RetentionReport report = Make().Round();
  EXPECT_THAT(report.errors, IsEmpty());
  EXPECT_EQ(report.executions, 3);
  EXPECT_THAT(Executions(), ElementsAre(4)) << "it is not finished";
}

TEST_F(RetentionTest, ManyGoInSmallRequests) {
  UploadFlow({Task("a")});
  for (int i = 0; i < 5; ++i) RunOne();
  options_.executions_per_request = 2;
  EXPECT_EQ(Make().Round().executions, 5);
  EXPECT_THAT(Executions(), IsEmpty());
}

TEST_F(RetentionTest, WithoutALimitRowsAndEventsStay) {
  UploadFlow({Task("a")});
  RunOne();
  options_.keep = Millis(0);
  log_.old = 100;
  const RetentionReport report = Make().Round();
  EXPECT_EQ(report.executions, 0);
  EXPECT_THAT(Executions(), ElementsAre(1));
  EXPECT_THAT(log_.drops, IsEmpty());
  EXPECT_THAT(files_.swept, SizeIs(1)) << "files of what was deleted by hand go all the same";
}

TEST_F(RetentionTest, WhoseHookIsStillToBeToldStays) {
  UploadFlow({Task("a")}, "mail");
  RunOne();
  const RetentionReport report = Make().Round();
  EXPECT_EQ(report.executions, 0);
  EXPECT_THAT(report.errors, IsEmpty());
  EXPECT_THAT(Executions(), ElementsAre(1));
}

TEST_F(RetentionTest, Rule5OldRunsOfEndlessExecutionsGo) {
  TaskSpec waits = Task("b", "never");
  UploadFlow({Task("a", "go"), waits});
  Ask(StartFlow());
  Ask(StartFlow());
  for (int64_t run = 1; run <= 3; ++run) {
    world_.log.Append(UserEvent("go"));
    Settle();
    Report(1, run, TaskStatus::kSuccess);
  }
  Make().Round();
  EXPECT_THAT(files_.swept.back(), ::testing::Pair(true, true)) << "an earlier server's too";
  for (int64_t run = 4; run <= 5; ++run) {
    world_.log.Append(UserEvent("go"));
    Settle();
    Report(1, run, TaskStatus::kSuccess);
  }
  const RetentionReport report = Make().Round();
  EXPECT_THAT(report.errors, IsEmpty());
  EXPECT_EQ(report.runs, 2);
  const auto runs = *world_.store.ListTaskExecutions(ExecutionId(1), 0, {});
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_EQ(runs[0].sequence, 5) << "the latest stays";
  EXPECT_THAT(files_.swept.back(), ::testing::Pair(true, false));
  Make().Round();
  EXPECT_THAT(files_.swept.back(), ::testing::Pair(false, false));
}

TEST_F(RetentionTest, Rule5EventsGoBelowWhatIsOldAndCommitted) {
  UploadFlow({Task("a")});
  RunOne();
  log_.old = 2;
  EXPECT_EQ(Make().Round().first_event, 3);
  EXPECT_THAT(log_.drops, ElementsAre(3));
  log_.old = 1'000'000;
  const Offset committed = loop_.committed();
  Make().Round();
  ASSERT_THAT(log_.drops, SizeIs(2));
  EXPECT_GT(log_.drops[1], committed);
  EXPECT_LE(log_.drops[1], loop_.committed() + 1);
}

TEST_F(RetentionTest, Rule5AnEventThatIsStillNeededStays) {
  UploadFlow({Task("a")});
  Ask(StartFlow());  // its start is not acknowledged
  const std::optional<Offset> needed = *world_.store.OldestNeededOffset();
  ASSERT_TRUE(needed.has_value());
  Settle();
  log_.old = 1'000'000;
  Make().Round();
  EXPECT_THAT(log_.drops, ElementsAre(*needed));
}

TEST_F(RetentionTest, RepliesGoWithTheirEvents) {
  UploadFlow({Task("a")});
  const Offset first = world_.log.head();
  RunOne();
  ASSERT_TRUE(world_.store.GetReply(first)->has_value());
  log_.old = first;
  EXPECT_THAT(Make().Round().errors, IsEmpty());
  EXPECT_FALSE(world_.store.GetReply(first)->has_value());
  EXPECT_TRUE(world_.store.GetReply(first + 1)->has_value());
  const Offset head = world_.log.head();
  Make().Round();
  EXPECT_EQ(world_.log.head(), head) << "a round without work asks for nothing";
}

TEST_F(RetentionTest, WhatOneStepCannotDoKeepsNoOtherFromItsWork) {
  UploadFlow({Task("a")});
  RunOne();
  log_.broken = true;
  files_.status = Status(Code::kUnavailable, "no such device");
  const RetentionReport report = Make().Round();
  EXPECT_EQ(report.executions, 1);
  ASSERT_THAT(report.errors, SizeIs(2));
  EXPECT_THAT(report.errors[0].message(), HasSubstr("the disk is gone"));
  EXPECT_THAT(report.errors[1].message(), HasSubstr("no such device"));
}

TEST_F(RetentionTest, BlobsThatRowsNameAreKept) {
  UploadFlow({Task("a")});
  Make().Round();
  ASSERT_TRUE(files_.named.has_value());
  EXPECT_THAT(*files_.named, ElementsAre((*world_.store.GetSnapshot(SnapshotId(1)))->spec_digest));
}

TEST_F(RetentionTest, RoundsFollowOneAnother) {
  options_.first = Millis(1);
  options_.interval = Millis(1);
  Make().Start();
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30), [this] { return rounds_ >= 3; }));
}

TEST_F(RetentionTest, AStopDoesNotWaitForAnAnswerThatNeverComes) {
  UploadFlow({Task("a")});
  RunOne();
  log_.old = 5;
  log_.silent = true;
  options_.first = Millis(0);
  Make().Start();
  retention_.reset();  // stops; whatever the round is at
  EXPECT_LE(rounds_, 1);
}

}  // namespace
}  // namespace aiflow::server
