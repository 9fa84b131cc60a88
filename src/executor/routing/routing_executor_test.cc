#include "executor/routing/routing_executor.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "executor/attempt_store.h"
#include "runner/claim.h"

namespace aiflow {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Writes down what it is told.
class NotingExecutor final : public TaskExecutor {
 public:
  Status Open(Epoch, std::vector<ExpectedAttempt> expected, ReportSink) override {
    for (const ExpectedAttempt& one : expected) {
      said.push_back("expect " + one.spec.key.ToString() +
                     (one.spec.refusal.empty() ? "" : " " + one.spec.refusal));
    }
    return open_status;
  }
  void Start(AttemptSpec spec) override {
    said.push_back("start " + spec.key.ToString() +
                   (spec.refusal.empty() ? "" : " " + spec.refusal));
  }
  void Stop(const AttemptSpec& spec) override { said.push_back("stop " + spec.key.ToString()); }
  void Forget(const AttemptKey& key) override { said.push_back("forget " + key.ToString()); }
  std::string LogPath(const AttemptKey&) const override { return "log"; }
  int64_t running() const override { return 2; }
  void Close() override { said.emplace_back("close"); }

  Status open_status;
  std::vector<std::string> said;
};

class RoutingExecutorTest : public testing::Test {
 protected:
  RoutingExecutorTest() {
    std::string name = (fs::temp_directory_path() / "aiflow-routing-XXXXXX").string();
    dir_ = mkdtemp(name.data());
  }
  ~RoutingExecutorTest() override { fs::remove_all(dir_); }

  RoutingExecutor Router(std::set<std::string> abandoned = {}) {
    return {local_,
            {{"far", &far_}, {"farther", &farther_}},
            {.attempts_dir = dir_.string(), .abandoned = std::move(abandoned)}};
  }
  static AttemptSpec Spec(int64_t sequence, const std::string& executor) {
    AttemptSpec spec;
    spec.key = {.execution = ExecutionId(3), .task = 0, .sequence = sequence, .try_number = 1};
    spec.executor = executor;
    return spec;
  }
  static TaskExecutor::ReportSink Nobody() {
    return [](const AttemptReport&) {};
  }

  fs::path dir_;
  NotingExecutor local_;
  NotingExecutor far_;
  NotingExecutor farther_;
};

TEST_F(RoutingExecutorTest, EachAttemptGoesToItsExecutor) {
  RoutingExecutor router = Router();
  ASSERT_EQ(router.Open(1, {{.spec = Spec(1, "far")}, {.spec = Spec(2, "")}}, Nobody()),
            Status::Ok());
  router.Start(Spec(3, "local"));
  router.Start(Spec(4, "farther"));
  // What stops an attempt need not name its executor.
  router.Stop(Spec(1, ""));
  router.Stop(Spec(4, ""));
  router.Forget(Spec(4, "").key);
  EXPECT_THAT(local_.said, ElementsAre("expect 3-0-2-1", "start 3-0-3-1"));
  EXPECT_THAT(far_.said, ElementsAre("expect 3-0-1-1", "stop 3-0-1-1"));
  EXPECT_THAT(farther_.said, ElementsAre("start 3-0-4-1", "stop 3-0-4-1", "forget 3-0-4-1"));
  EXPECT_EQ(router.running(), 6);
}

TEST_F(RoutingExecutorTest, WhatNobodyRemembersIsForgottenByAll) {
  RoutingExecutor router = Router();
  ASSERT_EQ(router.Open(1, {}, Nobody()), Status::Ok());
  router.Forget(Spec(1, "").key);
  for (const NotingExecutor* one : {&local_, &far_, &farther_}) {
    EXPECT_THAT(one->said, ElementsAre("forget 3-0-1-1"));
  }
}

TEST_F(RoutingExecutorTest, OneThatCannotBeOpenedKeepsNobodyFromWorking) {
  far_.open_status = {Code::kUnavailable, "no such host"};
  RoutingExecutor router = Router();
  EXPECT_EQ(router.Open(1, {}, Nobody()), Status::Ok());
  router.Start(Spec(1, "farther"));
  EXPECT_THAT(farther_.said, ElementsAre("start 3-0-1-1"));
}

TEST_F(RoutingExecutorTest, AServerThatWasReplacedIsAborted) {
  far_.open_status = {Code::kAborted, "a higher epoch"};
  EXPECT_EQ(Router().Open(1, {}, Nobody()).code(), Code::kAborted);
}

TEST_F(RoutingExecutorTest, NewAttemptOfAnUnknownExecutorIsRefusedUnderTheLocalClaim) {
  RoutingExecutor router = Router();
  ASSERT_EQ(router.Open(1, {}, Nobody()), Status::Ok());
  router.Start(Spec(1, "gone"));
  router.Stop(Spec(2, "gone"));
  router.Forget(Spec(1, "gone").key);
  EXPECT_THAT(local_.said,
              ElementsAre("start 3-0-1-1 cannot start: executor gone is not configured",
                          "stop 3-0-2-1", "forget 3-0-1-1"));
}

TEST_F(RoutingExecutorTest, WhatWasRefusedHereIsStartedByNobodyElseLater) {
  const AttemptSpec spec = Spec(1, "far");
  ASSERT_EQ(runner::PublishClaim(AttemptDirectory(dir_.string(), spec.key),
                                 runner::EncodeClaim({.attempt = "3-0-1-1"}, nullptr), nullptr),
            Status::Ok());
  RoutingExecutor router = Router();
  ASSERT_EQ(router.Open(1, {{.spec = spec}}, Nobody()), Status::Ok());
  EXPECT_THAT(local_.said, ElementsAre("expect 3-0-1-1"));
  EXPECT_THAT(far_.said, IsEmpty());
}

TEST_F(RoutingExecutorTest, UnfinishedAttemptsOfAnUnknownExecutorAreNoStart) {
  const Status status = Router().Open(
      1, {{.spec = Spec(1, "gone")}, {.spec = Spec(2, "gone")}, {.spec = Spec(3, "")}}, Nobody());
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("executor gone is not configured, and 2 unfinished"));
  EXPECT_THAT(status.message(), HasSubstr("--abandon-executor=gone"));
  EXPECT_THAT(local_.said, IsEmpty());
}

TEST_F(RoutingExecutorTest, AbandonedAttemptsEndHere) {
  RoutingExecutor router = Router({"gone"});
  ASSERT_EQ(
      router.Open(1, {{.spec = Spec(1, "gone"), .status = TaskStatus::kRunning, .stop = true}},
                  Nobody()),
      Status::Ok());
  EXPECT_THAT(local_.said,
              ElementsAre("expect 3-0-1-1 executor gone was abandoned; the attempt may still run "
                          "there"));
}

}  // namespace
}  // namespace aiflow
