#include "engine/questions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "engine/engine.h"
#include "engine/engine_world.h"

namespace aiflow {
namespace {

using engine_world::StartFlow;
using engine_world::Task;
using engine_world::UserEvent;
using engine_world::World;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

/// Keeps what it is asked until the test answers.
class FakeEvaluator final : public ConditionEvaluator {
 public:
  void Ask(ConditionQuestion question, Done done) override {
    const OutboxId id = question.id;
    order.push_back(id);
    asked.insert_or_assign(id, std::pair(std::move(question), std::move(done)));
  }
  void Withdraw(OutboxId id) override {
    if (asked.erase(id) > 0) withdrawn.push_back(id);
  }

  [[nodiscard]] const ConditionQuestion& Latest() const { return asked.at(order.back()).first; }
  /// The oldest question.
  void Answer(ConditionAnswer answer) {
    ASSERT_FALSE(asked.empty());
    const Done done = asked.begin()->second.second;
    asked.erase(asked.begin());
    done(std::move(answer));
  }

  std::map<OutboxId, std::pair<ConditionQuestion, Done>> asked;
  std::vector<OutboxId> order;
  std::vector<OutboxId> withdrawn;
};

class QuestionsTest : public ::testing::Test {
 protected:
  QuestionsTest() { EXPECT_TRUE(Boot().ok()); }

  /// A new server process over the same world; its hosts know nothing of the old one.
  Status Boot() {
    engine_.reset();
    evaluator_ = std::make_unique<FakeEvaluator>();
    engine_ = std::make_unique<Engine>(world_.log, world_.store, world_.blobs, world_.executor,
                                       world_.planner, EngineOptions{});
    engine_->SetEvaluator(*evaluator_, world_.store);
    return engine_->Recover([] {});
  }

  void Run() {
    for (int i = 0; i < 50; ++i) {
      const Offset before = world_.log.head();
      const Result<bool> more = engine_->Step();
      ASSERT_TRUE(more.has_value()) << more.error();
      if (!*more && world_.log.head() == before && Count(OutboxKind::kPublish) == 0) return;
    }
    FAIL() << "the engine does not come to rest";
  }
  [[nodiscard]] int64_t Count(OutboxKind kind) const {
    int64_t count = 0;
    const std::vector<OutboxRow> outbox = *world_.store.ListOutbox({});
    for (const OutboxRow& row : outbox) count += row.kind == kind ? 1 : 0;
    return count;
  }

  /// Execution 1 of a workflow whose task `x` starts when `k` meets a user-written condition.
  void Start() {
    WorkflowSpec spec;
    spec.name = "flow";
    spec.host = {"python", "flow.py", "/usr/bin/python3", "3.11", "1.0"};
    spec.params.push_back({"day", ParamType::kString, "\"monday\"", ""});
    TaskSpec x = Task("x", "k");
    x.rules[0].condition.kind = ConditionKind::kCustom;
    x.rules[0].condition.name = "Threshold";
    x.rules[0].condition.event_keys = {"k"};
    spec.tasks = {Task("a"), std::move(x)};
    UploadWorkflow upload{.ns = "default", .name = "flow"};
    upload.spec_digest = *world_.blobs.Put(FormatWorkflowSpec(spec));
    upload.bundle_digest = *world_.blobs.Put("a bundle");
    upload.bundle_name = "flow";
    world_.log.Append(FormatRequest(upload));
    world_.log.Append(FormatRequest(StartFlow()));
    Run();
    ASSERT_TRUE(world_.store.GetExecution(ExecutionId(1))->has_value());
  }
  [[nodiscard]] size_t RunsOfX() const {
    return world_.store.ListTaskExecutions(ExecutionId(1), 1, {})->size();
  }

  World world_;
  std::unique_ptr<FakeEvaluator> evaluator_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(QuestionsTest, AQuestionLeavesAfterItsCommitWithAllThatItsHostNeeds) {
  Start();
  const Offset offset = world_.log.Append(UserEvent("k"));
  EXPECT_THAT(evaluator_->asked, IsEmpty());
  Run();
  ASSERT_THAT(evaluator_->asked, SizeIs(1));
  const ConditionQuestion& question = evaluator_->Latest();
  EXPECT_EQ(question.host.file, "flow.py");
  EXPECT_EQ(question.bundle_name, "flow");
  EXPECT_EQ(question.bundle_digest, (*world_.store.GetSnapshot(SnapshotId(1)))->bundle_digest);
  EXPECT_EQ(question.ns, "default");
  EXPECT_EQ(question.workflow, "flow");
  EXPECT_EQ(question.workflow_id, WorkflowId(1));
  EXPECT_EQ(question.task, "x");
  EXPECT_EQ(question.rule, 0);
  EXPECT_EQ(question.question, 0);
  EXPECT_EQ(question.event.offset, offset);
  EXPECT_EQ(question.event.key, "k");
  EXPECT_EQ(question.execution, ExecutionId(1));
  EXPECT_EQ(question.snapshot, SnapshotId(1));
  EXPECT_THAT(question.statuses, ElementsAre(Pair("a", TaskStatus::kQueued)));
  EXPECT_EQ(question.params_json, (*world_.store.GetExecution(ExecutionId(1)))->params_json);
  EXPECT_THAT(question.states, IsEmpty());
}

TEST_F(QuestionsTest, TheAnswerComesBackAsAnEventWithItsKey) {
  Start();
  const Offset offset = world_.log.Append(UserEvent("k"));
  Run();
  evaluator_->Answer({.met = true});
  EXPECT_EQ(RunsOfX(), 0U) << "it is an event first";
  Run();
  EXPECT_EQ(RunsOfX(), 1U);
  EXPECT_EQ(world_.log.CountId("i/answer/1/0/" + std::to_string(offset) + "/0/1/1"), 1);
  EXPECT_EQ(Count(OutboxKind::kEvaluate), 0);
}

TEST_F(QuestionsTest, TheNextQuestionBringsTheStatesOfTheAnswerBefore) {
  Start();
  world_.log.Append(UserEvent("k"));
  world_.log.Append(UserEvent("k"));
  Run();
  ASSERT_THAT(evaluator_->asked, SizeIs(1)) << "one at a time";
  evaluator_->Answer({.met = false, .states_json = R"({"count": "MQ=="})"});
  Run();
  ASSERT_THAT(evaluator_->asked, SizeIs(1));
  ASSERT_THAT(evaluator_->Latest().states, SizeIs(1));
  EXPECT_EQ(evaluator_->Latest().states[0].name, "count");
  EXPECT_EQ(evaluator_->Latest().states[0].value, "1");
}

TEST_F(QuestionsTest, ARecoveryAsksAgain) {
  Start();
  world_.log.Append(UserEvent("k"));
  Run();
  const OutboxId id = evaluator_->Latest().id;
  ASSERT_TRUE(Boot().ok());
  ASSERT_THAT(evaluator_->asked, SizeIs(1));
  EXPECT_EQ(evaluator_->Latest().id, id);
  evaluator_->Answer({.met = true});
  Run();
  EXPECT_EQ(RunsOfX(), 1U);
}

TEST_F(QuestionsTest, Rule21ACrashBetweenAnswerAndCommitCountsTheFirstAnswer) {
  Start();
  world_.log.Append(UserEvent("k"));
  Run();
  evaluator_->Answer({.met = true, .states_json = R"({"count": "MQ=="})"});
  ASSERT_TRUE(Boot().ok());  // the answer is in the log, but not committed
  ASSERT_THAT(evaluator_->asked, SizeIs(1));
  evaluator_->Answer({.met = false, .states_json = R"({"count": "Mg=="})"});
  Run();
  EXPECT_EQ(RunsOfX(), 1U);
  EXPECT_EQ((*world_.store.ListStates(ExecutionId(1), {}))[0].value, "1");
}

TEST_F(QuestionsTest, AnAnswerAfterACommitThatAskedAgainStartsNothingTwice) {
  Start();
  world_.log.Append(UserEvent("k"));
  Run();
  ASSERT_TRUE(Boot().ok());
  const auto done = evaluator_->asked.begin()->second.second;
  done({.met = true});
  Run();
  done({.met = true});  // a host that answers twice
  Run();
  EXPECT_EQ(RunsOfX(), 1U);
}

TEST_F(QuestionsTest, AnAnswerIsKeptUntilTheLogTakesIt) {
  Start();
  world_.log.Append(UserEvent("k"));
  Run();
  world_.log.refuse_internal = true;
  evaluator_->Answer({.met = true});
  EXPECT_TRUE(engine_->has_refused());
  world_.log.refuse_internal = false;
  engine_->RetryRefused();
  Run();
  EXPECT_EQ(RunsOfX(), 1U);
}

TEST_F(QuestionsTest, AnErrorBecomesADeadLetter) {
  Start();
  world_.log.Append(UserEvent("k"));
  Run();
  evaluator_->Answer({.error = "no answer within 30 s, 3 times"});
  Run();
  const auto letters = world_.store.ListDeadLetters({});
  ASSERT_THAT(*letters, SizeIs(1));
  EXPECT_THAT(letters->front().error, HasSubstr("no answer within 30 s"));
  EXPECT_EQ(RunsOfX(), 0U);
}

TEST_F(QuestionsTest, AStoppedExecutionsQuestionIsWithdrawn) {
  Start();
  world_.log.Append(UserEvent("k"));
  Run();
  const OutboxId id = evaluator_->Latest().id;
  world_.log.Append(FormatRequest(StopWorkflowExecution{1}));
  Run();
  EXPECT_THAT(evaluator_->withdrawn, ElementsAre(id));
}

TEST_F(QuestionsTest, NothingLeavesBeforeAnOpenCommitIsSettled) {
  Start();
  world_.store.SetFaultHook([] { return CommitFault::kLostReply; });
  world_.log.Append(UserEvent("k"));
  world_.store.unreadable = true;
  EXPECT_FALSE(engine_->Step().has_value());
  EXPECT_THAT(evaluator_->asked, IsEmpty());
  world_.store.SetFaultHook(nullptr);
  world_.store.unreadable = false;
  Run();
  EXPECT_THAT(evaluator_->asked, SizeIs(1));
  EXPECT_THAT(evaluator_->order, SizeIs(1));
}

TEST_F(QuestionsTest, WithoutAnEvaluatorQuestionsWait) {
  Start();
  engine_ = std::make_unique<Engine>(world_.log, world_.store, world_.blobs, world_.executor,
                                     world_.planner, EngineOptions{});
  ASSERT_TRUE(engine_->Recover([] {}).ok());
  world_.log.Append(UserEvent("k"));
  Run();
  EXPECT_EQ(Count(OutboxKind::kEvaluate), 1);
  ASSERT_TRUE(Boot().ok());
  EXPECT_THAT(evaluator_->asked, SizeIs(1));
}

}  // namespace
}  // namespace aiflow
