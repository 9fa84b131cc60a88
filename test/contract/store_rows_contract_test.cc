// Schedules, triggers, pools, states, evaluations and dead letters: what is put comes back.
#include <string>
#include <vector>

#include "store_contract_fixture.h"

namespace aiflow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Event AnEvent(Offset offset) {
  return {.offset = offset,
          .create_time = Millis(1000 + offset),
          .kind = EventKind::kStatusChanged,
          .key = "key",
          .value = std::string("v\0v", 3),
          .context = "{}",
          .ns = "default",
          .sender = "s",
          .id = "i/1"};
}

ScheduleRow FullSchedule(int64_t id, int64_t workflow = 1) {
  return {.id = ScheduleId(id),
          .workflow_id = WorkflowId(workflow),
          .expression = "0 5 * * *",
          .timezone = "Europe/Berlin",
          .catchup = CatchUp::kAll,
          .skip_if_active = true,
          .params_json = R"({"a": 1})",
          .paused = true,
          .created = Millis(5),
          .generation = 3,
          .next_due = Millis(7),
          .last_due = Millis(6)};
}

TriggerRow FullTrigger(int64_t id, int64_t workflow = 1) {
  return {.id = TriggerId(id),
          .workflow_id = WorkflowId(workflow),
          .condition_json = R"({"event": "a"})",
          .params_json = R"({"p": {"field": "value"}})",
          .paused = true,
          .created = Millis(5),
          .created_offset = 9,
          .pickled_digest = "p",
          .bundle_digest = "b",
          .bundle_name = "project",
          .host_json = "{}",
          .slots = {0, 1, 1}};
}

EvaluationRow FullEvaluation(int64_t execution, Offset offset, int32_t ordinal, TaskIndex task) {
  return {.execution_id = ExecutionId(execution),
          .offset = offset,
          .ordinal = ordinal,
          .task = task,
          .workflow_id = WorkflowId(1),
          .event = AnEvent(offset),
          .source = 2,
          .statuses = {{0, 1, TaskStatus::kSuccess}, {7, 1LL << 40, TaskStatus::kRetrying}},
          .answers = {1, 0},
          .decided = true,
          .generation = 4,
          .rule = 5,
          .question = 1};
}

EvaluationRow OfTrigger(int64_t trigger, Offset offset, int64_t workflow = 1) {
  EvaluationRow row = FullEvaluation(0, offset, 0, -1);
  row.trigger_id = TriggerId(trigger);
  row.workflow_id = WorkflowId(workflow);
  return row;
}

DeadLetterRow FullDeadLetter(int64_t id) {
  return {.id = DeadLetterId(id),
          .execution_id = ExecutionId(1),
          .workflow_id = WorkflowId(1),
          .task = 3,
          .rule = 2,
          .question = 1,
          .event = AnEvent(4),
          .time = Millis(8),
          .error = "ValueError: no"};
}

template <typename World>
class StoreRowsContractTest : public StoreContract<World> {};
TYPED_TEST_SUITE(StoreRowsContractTest, StoreWorlds);

TYPED_TEST(StoreRowsContractTest, ExecutionsTasksAndRunsComeBackWhole) {
  ExecutionRow execution = this->Execution(1, ExecutionStatus::kRunning);
  execution.params_json = R"({"größe": "\u0000"})";
  execution.source = 3;
  execution.due = Millis(1);
  execution.deadline = Millis(2);
  execution.cascade = 4;
  const TaskRow task{.execution_id = ExecutionId(1),
                     .last_sequence = 2,
                     .latest = 1,
                     .current = 1,
                     .successor = 2,
                     .pending_starts = {8, 9},
                     .next_tick = Millis(77)};
  TaskExecutionRow run = this->Run(1, 1, 0, 1);
  run.has_slot = true;
  run.deadline = Millis(5);
  run.output = std::string(64 << 10, 'o');
  run.executor = "farm";
  this->MustCommit({execution, task, run});
  this->world_.Reopen();
  EXPECT_EQ(**this->store().GetExecution(ExecutionId(1)), execution);
  EXPECT_THAT(*this->store().ListTasks(ExecutionId(1)), ElementsAre(task));
  EXPECT_EQ(**this->store().GetTaskExecution(TaskExecutionId(1)), run);
  const LoadedRows loaded = this->Loaded();
  EXPECT_THAT(loaded.executions, ElementsAre(execution));
  EXPECT_THAT(loaded.tasks, ElementsAre(task));
  EXPECT_THAT(loaded.task_executions, ElementsAre(run));
}

// What an event changes while an execution waits, without any other change.
TYPED_TEST(StoreRowsContractTest, EveryMemberOfAnExecutionCanChangeAlone) {
  ExecutionRow row = this->Execution(1, ExecutionStatus::kRunning);
  this->MustCommit({row});
  const auto expect_kept = [&] {
    this->MustCommit({row});
    EXPECT_EQ(**this->store().GetExecution(ExecutionId(1)), row);
  };
  row.deadline = Millis(9);
  expect_kept();
  row.cascade = 8;
  expect_kept();
  row.params_json = "{}";
  expect_kept();
  row.source = 7;
  expect_kept();
  row.due = Millis(6);
  expect_kept();
  row.end = Millis(5);
  expect_kept();
  row.status = ExecutionStatus::kFailed;
  expect_kept();
}

TYPED_TEST(StoreRowsContractTest, OutboxRowsComeBackWhole) {
  OutboxRow question;
  question.id = OutboxId(1);
  question.kind = OutboxKind::kEvaluate;
  question.offset = 5;
  question.trigger = TriggerId(3);
  question.ordinal = 1;
  question.question = 2;
  question.generation = 4;
  OutboxRow hook;
  hook.id = OutboxId(2);
  hook.kind = OutboxKind::kHook;
  hook.attempt.execution = ExecutionId(9);
  hook.question = 1;
  hook.tries = 6;
  hook.due = Millis(1234);
  this->MustCommit({question, hook});
  this->world_.Reopen();
  EXPECT_THAT(*this->store().ListOutbox({}), ElementsAre(question, hook));
  EXPECT_THAT(this->Loaded().outbox, ElementsAre(question, hook));
}

TYPED_TEST(StoreRowsContractTest, SchedulesComeBackWholeAndByWorkflow) {
  this->MustCommit({FullSchedule(1), FullSchedule(2, 7), FullSchedule(3)});
  ScheduleRow changed = FullSchedule(3);
  changed.paused = false;
  changed.next_due = Millis(99);
  this->MustCommit({changed});
  this->world_.Reopen();
  EXPECT_THAT(*this->store().ListSchedules(WorkflowId(1), {}),
              ElementsAre(FullSchedule(1), changed));
  EXPECT_THAT(*this->store().ListSchedules(WorkflowId(1), {.after = 1}), ElementsAre(changed));
  EXPECT_EQ(**this->store().GetSchedule(ScheduleId(2)), FullSchedule(2, 7));
  EXPECT_THAT(this->Loaded().schedules, ElementsAre(FullSchedule(1), FullSchedule(2, 7), changed));
  this->MustCommit({EraseSchedule{ScheduleId(2)}});
  EXPECT_FALSE(this->store().GetSchedule(ScheduleId(2))->has_value());
}

TYPED_TEST(StoreRowsContractTest, TriggersComeBackWholeAndByWorkflow) {
  this->MustCommit({FullTrigger(1), FullTrigger(2, 7), FullTrigger(3)});
  TriggerRow changed = FullTrigger(3);
  changed.slots = {};
  changed.paused = false;
  this->MustCommit({changed});
  this->world_.Reopen();
  EXPECT_THAT(*this->store().ListTriggers(WorkflowId(1), {.skip = 1}), ElementsAre(changed));
  EXPECT_THAT(this->TestFixture::Ids(this->store().ListTriggers(WorkflowId(1), {.limit = 1})),
              ElementsAre(1));
  EXPECT_EQ(**this->store().GetTrigger(TriggerId(2)), FullTrigger(2, 7));
  EXPECT_THAT(this->Loaded().triggers, ElementsAre(FullTrigger(1), FullTrigger(2, 7), changed));
}

TYPED_TEST(StoreRowsContractTest, ErasingATriggerTakesWhatWaitsForItsAnswers) {
  EvaluationRow of_execution = FullEvaluation(1, 5, 0, 0);
  this->MustCommit({FullTrigger(1), FullTrigger(2), OfTrigger(1, 5), OfTrigger(2, 5),
                    OfTrigger(1, 6), this->Execution(1, ExecutionStatus::kRunning), of_execution});
  this->MustCommit({EraseTrigger{TriggerId(1)}});
  EXPECT_FALSE(this->store().GetTrigger(TriggerId(1))->has_value());
  EXPECT_THAT(*this->store().ListEvaluations({}, WorkflowId(1), {}), ElementsAre(OfTrigger(2, 5)));
  EXPECT_THAT(*this->store().ListEvaluations(ExecutionId(1), {}, {}), ElementsAre(of_execution));
}

TYPED_TEST(StoreRowsContractTest, PoolsGoByName) {
  this->MustCommit(
      {PoolRow{"local", 8, ""}, PoolRow{"größer", 2, "text", "farm"}, PoolRow{"a", 1, ""}});
  this->MustCommit({PoolRow{"local", 4, ""}});
  this->world_.Reopen();
  EXPECT_THAT(*this->store().ListPools({.after_name = "a"}),
              ElementsAre(PoolRow{"größer", 2, "text", "farm"}, PoolRow{"local", 4, ""}));
  EXPECT_EQ(this->Loaded().pools.size(), 3U);
  this->MustCommit({ErasePool{"a"}});
  EXPECT_EQ(this->store().ListPools({})->size(), 2U);
}

TYPED_TEST(StoreRowsContractTest, StatesBelongToAnExecutionOrAWorkflow) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  const StateRow one{ExecutionId(1), {}, "a", bytes};
  const StateRow two{ExecutionId(1), {}, "b", ""};
  const StateRow other{ExecutionId(2), {}, "a", "x"};
  const StateRow of_workflow{{}, WorkflowId(1), "a", std::string(1 << 20, '\xff')};
  this->MustCommit({two, one, other, of_workflow});
  this->world_.Reopen();
  EXPECT_THAT(*this->store().ListStates(ExecutionId(1), {}), ElementsAre(one, two));
  EXPECT_THAT(*this->store().ListStates({}, WorkflowId(1)), ElementsAre(of_workflow));
  EXPECT_THAT(*this->store().ListStates({}, WorkflowId(2)), IsEmpty());
  EXPECT_EQ(this->Loaded().others, 0U);
  this->MustCommit({EraseState{ExecutionId(1), {}, "a"}});
  EXPECT_THAT(*this->store().ListStates(ExecutionId(1), {}), ElementsAre(two));
  this->MustCommit({one, EraseState{ExecutionId(1), {}, ""}, EraseState{{}, WorkflowId(9), ""}});
  EXPECT_THAT(*this->store().ListStates(ExecutionId(1), {}), IsEmpty());
  EXPECT_THAT(*this->store().ListStates(ExecutionId(2), {}), ElementsAre(other));
  EXPECT_THAT(*this->store().ListStates({}, WorkflowId(1)), ElementsAre(of_workflow));
}

// Rule 21: a committed FIFO, whose rows hold the event and the statuses as of it.
TYPED_TEST(StoreRowsContractTest, Rule21EvaluationsComeBackWholeInTheirOrder) {
  const std::vector<EvaluationRow> rows = {FullEvaluation(1, 5, 0, 1), FullEvaluation(1, 5, 0, 2),
                                           FullEvaluation(1, 5, 1, 0), FullEvaluation(1, 12, 0, 0),
                                           FullEvaluation(1, 100, 0, 0)};
  this->MustCommit({this->Execution(1, ExecutionStatus::kRunning), rows[4], rows[2], rows[0],
                    rows[3], rows[1], FullEvaluation(2, 1, 0, 0)});
  this->world_.Reopen();
  EXPECT_EQ(*this->store().ListEvaluations(ExecutionId(1), {}, {}), rows);
  const auto page = *this->store().ListEvaluations(ExecutionId(1), {}, {.limit = 2});
  EXPECT_EQ(page.size(), 3U);  // those of one offset are never parted
  EXPECT_THAT(*this->store().ListEvaluations(ExecutionId(1), {}, {.after = 5, .limit = 1}),
              ElementsAre(rows[3]));
  EvaluationRow asked = rows[0];
  asked.answers.push_back(1);
  asked.generation = 5;
  this->MustCommit({asked, EraseEvaluation{ExecutionId(1), {}, 5, 0, 2}});
  EXPECT_THAT(*this->store().ListEvaluations(ExecutionId(1), {}, {}),
              ElementsAre(asked, rows[2], rows[3], rows[4]));
}

TYPED_TEST(StoreRowsContractTest, EvaluationsOfTriggersAreListedByWorkflowInOrderOfEvents) {
  this->MustCommit({OfTrigger(2, 5), OfTrigger(1, 9), OfTrigger(1, 5), OfTrigger(3, 1, 7)});
  this->MustCommit({EraseEvaluation{{}, TriggerId(1), 9, 0, -1}, OfTrigger(1, 6)});
  EXPECT_THAT(*this->store().ListEvaluations({}, WorkflowId(1), {}),
              ElementsAre(OfTrigger(1, 5), OfTrigger(2, 5), OfTrigger(1, 6)));
  EXPECT_EQ(this->Loaded().evaluations.size(), 4U);
}

TYPED_TEST(StoreRowsContractTest, LoadHasTheEvaluationsOfUnfinishedExecutionsAndOfTriggers) {
  this->MustCommit({this->Execution(1, ExecutionStatus::kSuccess),
                    this->Execution(2, ExecutionStatus::kRunning), FullEvaluation(1, 5, 0, 0),
                    FullEvaluation(2, 5, 0, 0), OfTrigger(1, 5),
                    StateRow{ExecutionId(2), {}, "a", "v"}});
  const LoadedRows rows = this->Loaded();
  EXPECT_THAT(rows.evaluations, ElementsAre(FullEvaluation(2, 5, 0, 0), OfTrigger(1, 5)));
  EXPECT_EQ(rows.others, 0U);
}

TYPED_TEST(StoreRowsContractTest, DeadLettersComeBackWhole) {
  DeadLetterRow of_trigger = FullDeadLetter(2);
  of_trigger.execution_id = {};
  of_trigger.trigger_id = TriggerId(6);
  this->MustCommit({FullDeadLetter(1), of_trigger, FullDeadLetter(3)});
  this->world_.Reopen();
  EXPECT_THAT(*this->store().ListDeadLetters({}),
              ElementsAre(FullDeadLetter(1), of_trigger, FullDeadLetter(3)));
  EXPECT_EQ(this->Loaded().dead_letters.size(), 3U);
  this->MustCommit({EraseDeadLetter{DeadLetterId(1)}});
  EXPECT_THAT(*this->store().ListDeadLetters({.limit = 1}), ElementsAre(of_trigger));
}

TYPED_TEST(StoreRowsContractTest, Rule22SuspensionsAndWhatTheyHoldComeBackWhole) {
  const SuspensionRow of_execution{.execution_id = ExecutionId(2),
                                   .letter = DeadLetterId(7),
                                   .replaying = true,
                                   .lost = 3,
                                   .reason_before = "it waits"};
  const SuspensionRow of_workflow{.workflow_id = WorkflowId(2), .letter = DeadLetterId(8)};
  const HeldEventRow first{ExecutionId(2), {}, 4, AnEvent(4)};
  const HeldEventRow second{ExecutionId(2), {}, 9, AnEvent(9)};
  const HeldEventRow other{{}, WorkflowId(2), 4, AnEvent(4)};
  this->MustCommit({of_execution, of_workflow, second, first, other});
  this->world_.Reopen();
  EXPECT_THAT(this->Loaded().suspensions, ElementsAre(of_workflow, of_execution));
  EXPECT_THAT(this->Loaded().held_events, ElementsAre(other, first, second));
  EXPECT_EQ(*this->store().OldestNeededOffset(), 4) << "its replay reads it once more";
  this->MustCommit({EraseHeldEvent{ExecutionId(2), {}, 4}});
  EXPECT_THAT(this->Loaded().held_events, ElementsAre(other, second));
  this->MustCommit({EraseSuspension{ExecutionId(2), {}}});
  EXPECT_THAT(this->Loaded().suspensions, ElementsAre(of_workflow));
  EXPECT_THAT(this->Loaded().held_events, ElementsAre(other)) << "what is held goes with it";
}

TYPED_TEST(StoreRowsContractTest, Rule22TheNoteOfARecoveryIsLoadedWhenItCountsCrashes) {
  EXPECT_THAT(this->Loaded().recoveries, IsEmpty());
  const RecoveryRow note{.offset = 1LL << 40, .part = 2, .crashes = 3};
  this->MustCommit({note});
  this->world_.Reopen();
  EXPECT_THAT(this->Loaded().recoveries, ElementsAre(note));
  this->MustCommit({RecoveryRow{}});
  EXPECT_THAT(this->Loaded().recoveries, IsEmpty());
}

// Rule 33: rows keep their owners; a change that would alter one is a bug, and refused.
TYPED_TEST(StoreRowsContractTest, Rule33OwnersNeverChange) {
  this->MustCommit({FullSchedule(1), FullTrigger(1), FullDeadLetter(1), OfTrigger(1, 5)});
  DeadLetterRow letter = FullDeadLetter(1);
  letter.workflow_id = WorkflowId(2);
  const std::vector<std::vector<Change>> bugs = {{PoolRow{"x"}, FullSchedule(1, 2)},
                                                 {PoolRow{"x"}, FullTrigger(1, 2)},
                                                 {PoolRow{"x"}, letter},
                                                 {PoolRow{"x"}, OfTrigger(1, 5, 2)}};
  for (const auto& changes : bugs) {
    EXPECT_EQ(this->Commit(changes).code(), Code::kInternal);
    EXPECT_THAT(*this->store().ListPools({}), IsEmpty());
  }
}

}  // namespace
}  // namespace aiflow
