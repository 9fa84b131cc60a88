#include "store_contract_rows.h"

#include <gtest/gtest.h>

#include <iterator>

namespace aiflow {
namespace {

constexpr int64_t kAll = 1'000'000;

template <typename T>
void Append(std::vector<T>* to, const Result<std::vector<T>>& from) {
  ASSERT_TRUE(from) << from.error();
  to->insert(to->end(), from->begin(), from->end());
}

}  // namespace

QueriedRows QueriedRows::Of(const Queries& queries, int64_t workflows, int64_t executions,
                            Offset replies) {
  QueriedRows rows;
  const Page all{.limit = kAll};
  Append(&rows.namespaces, queries.ListNamespaces(all));
  Append(&rows.workflows, queries.ListWorkflows("", all));
  Append(&rows.outbox, queries.ListOutbox(all));
  for (int64_t id = 1; id < workflows; ++id) {
    Append(&rows.snapshots, queries.ListSnapshots(WorkflowId(id), all));
    Append(&rows.executions, queries.ListExecutions(WorkflowId(id), all));
    Append(&rows.schedules, queries.ListSchedules(WorkflowId(id), all));
    Append(&rows.triggers, queries.ListTriggers(WorkflowId(id), all));
    Append(&rows.states, queries.ListStates(ExecutionId(), WorkflowId(id)));
    Append(&rows.evaluations, queries.ListEvaluations(ExecutionId(), WorkflowId(id), all));
  }
  Append(&rows.pools, queries.ListPools(all));
  Append(&rows.dead_letters, queries.ListDeadLetters(all));
  Append(&rows.ended, queries.ListEndedBefore(Millis(kAll / 2), kAll));
  Append(&rows.old_runs, queries.ListOldRuns(Millis(kAll / 2), kAll));
  Append(&rows.digests, queries.ListBlobDigests());
  rows.oldest_needed = *queries.OldestNeededOffset();
  for (int64_t id = 1; id < executions; ++id) {
    const ExecutionId execution(id);
    Append(&rows.tasks, queries.ListTasks(execution));
    Append(&rows.task_executions, queries.ListTaskExecutions(execution, -1, all));
    Append(&rows.task_executions, queries.ListTaskExecutions(execution, 1, all));
    Append(&rows.task_executions, queries.LatestTaskExecutions(execution, 0, 3));
    Append(&rows.rule_states, queries.ListRuleStates(execution));
    Append(&rows.states, queries.ListStates(execution, WorkflowId()));
    Append(&rows.evaluations, queries.ListEvaluations(execution, WorkflowId(), all));
    Append(&rows.causes, queries.ListCauses(execution, -1, all));
    Append(&rows.causes, queries.ListCauses(execution, 0, all));
  }
  for (Offset offset = 1; offset < replies; ++offset) {
    const auto reply = queries.GetReply(offset);
    if (reply && *reply) rows.replies.push_back(**reply);
  }
  return rows;
}

std::string RandomChanges::Text() {
  static const std::vector<std::string> kTexts = {"",
                                                  "plain",
                                                  "größer",
                                                  std::string("nul\0inside", 10),
                                                  "'quoted' \"twice\"; --",
                                                  std::string(5000, 'l')};
  return kTexts[static_cast<size_t>(Below(static_cast<int64_t>(kTexts.size())))];
}

void RandomChanges::PutWorkflow(std::vector<Change>* out) {
  if (workflows_.empty() || Below(3) == 0) {
    WorkflowRow row;
    row.id = WorkflowId(++counters_.workflow);
    row.ns = Below(2) == 0 ? "default" : "other";
    row.name = "workflow " + std::to_string(row.id.value());
    workflows_.push_back(row);
  }
  WorkflowRow& row = workflows_[static_cast<size_t>(Below(counters_.workflow))];
  row.enabled = Below(2) == 0;
  row.created = Millis(Below(kAll));
  row.updated = Millis(Below(kAll));
  row.event_offset = Below(kAll) - 1;
  row.content_digest = Text();
  row.pickled_digest = Text();
  SnapshotRow snapshot;
  snapshot.id = SnapshotId(++counters_.snapshot);
  snapshot.workflow_id = row.id;
  snapshot.created = row.updated;
  snapshot.spec_digest = Text();
  snapshot.bundle_digest = Text();
  snapshot.bundle_name = Text();
  snapshot.uri = Text();
  snapshot.signature = Text();
  snapshot.pickled_digest = Text();
  row.latest_snapshot = snapshot.id;
  snapshots_.push_back(snapshot);
  out->emplace_back(row);
  out->emplace_back(snapshot);
}

void RandomChanges::PutExecution(std::vector<Change>* out, Offset offset) {
  if (executions_.empty() || Below(3) == 0) {
    ExecutionRow row;
    row.id = ExecutionId(++counters_.execution);
    row.workflow_id = WorkflowId(Old(std::max<int64_t>(counters_.workflow, 1)));
    row.snapshot_id = SnapshotId(Old(std::max<int64_t>(counters_.snapshot, 1)));
    row.run_type = static_cast<RunType>(Below(3));
    row.created_offset = offset;
    row.params_json = Text();
    row.source = Below(5);
    row.due = Millis(Below(kAll));
    executions_.push_back(row);
  }
  ExecutionRow& row = executions_[static_cast<size_t>(Below(counters_.execution))];
  row.status = static_cast<ExecutionStatus>(Below(6));
  row.stop_cause = static_cast<StopCause>(Below(5));
  row.begin = Millis(Below(kAll));
  row.end = Millis(Below(kAll));
  row.event_offset = offset;
  row.reason = Text();
  row.deadline = Millis(Below(kAll));
  row.cascade = Below(9);
  out->emplace_back(row);
}

void RandomChanges::PutTask(std::vector<Change>* out, Offset offset) {
  const ExecutionId execution(Old(counters_.execution));
  const auto index = static_cast<TaskIndex>(Below(3));
  TaskRow& task = tasks_[{execution, index}];
  task.execution_id = execution;
  task.task = index;
  if (task.last_sequence == 0 || Below(2) == 0) {
    TaskExecutionRow run;
    run.id = TaskExecutionId(++counters_.task_execution);
    run.execution_id = execution;
    run.task = index;
    run.sequence = ++task.last_sequence;
    task_executions_.push_back(run);
    (Below(2) == 0 ? task.successor : task.current) = run.sequence;
    if (Below(2) == 0) task.latest = run.sequence;
  }
  task.pending_starts.clear();
  for (int64_t n = Below(4); n > 0; --n) task.pending_starts.push_back(offset - n * 1000);
  task.next_tick = Millis(Below(kAll));
  out->emplace_back(task);

  TaskExecutionRow& run = task_executions_[static_cast<size_t>(Below(counters_.task_execution))];
  run.task_name = Text();
  run.try_number = Old(3);
  run.status = static_cast<TaskStatus>(Below(8));
  run.stop_cause = static_cast<StopCause>(Below(5));
  run.begin = Millis(Below(kAll));
  run.end = Millis(Below(kAll));
  run.cause_offset = offset;
  run.cause_rule = static_cast<RuleIndex>(Below(5) - 1);
  run.coalesced = Below(3);
  run.pid = Below(kAll);
  run.reason = Text();
  run.has_slot = Below(2) == 0;
  run.deadline = Millis(Below(kAll));
  run.output = Text();
  run.executor = Text();
  out->emplace_back(run);
  out->emplace_back(CauseRow{.execution_id = execution,
                             .offset = offset,
                             .task = index,
                             .ordinal = static_cast<int32_t>(out->size()),
                             .kind = static_cast<CauseKind>(Below(15)),
                             .sequence = run.sequence,
                             .rule = static_cast<RuleIndex>(Below(3) - 1),
                             .time = Millis(Below(kAll)),
                             .text = Text()});
}

void RandomChanges::PutRuleState(std::vector<Change>* out) {
  RuleStateRow row;
  row.execution_id = ExecutionId(Old(counters_.execution));
  row.task = static_cast<TaskIndex>(Below(3));
  row.rule = static_cast<RuleIndex>(Below(2));
  for (int64_t n = Below(5); n > 0; --n) row.slots.push_back(static_cast<uint8_t>(Below(2)));
  for (int64_t n = Below(4); n > 0; --n) row.fired.emplace_back(Below(kAll), Below(1LL << 40));
  out->emplace_back(row);
}

void RandomChanges::PutOutbox(std::vector<Change>* out, Offset offset) {
  OutboxRow row;
  row.id = OutboxId(++counters_.outbox);
  row.kind = static_cast<OutboxKind>(Below(5));
  row.offset = offset;
  if (row.kind == OutboxKind::kPublish) {
    row.publish = AnEvent(0);
    row.publish.id = "i/" + std::to_string(row.id.value());
  } else {
    row.attempt = AttemptKey{ExecutionId(Old(counters_.execution)), 1, Old(9), Old(3)};
  }
  if (row.kind == OutboxKind::kEvaluate || row.kind == OutboxKind::kHook) {
    row.trigger = TriggerId(Below(3));
    row.ordinal = static_cast<int32_t>(Below(4));
    row.question = static_cast<int32_t>(Below(4));
    row.generation = Below(4);
    row.tries = Below(4);
    row.due = Millis(Below(kAll));
  }
  out->emplace_back(row);
}

Event RandomChanges::AnEvent(Offset offset) {
  return Event{.offset = offset,
               .kind = static_cast<EventKind>(Below(5)),
               .key = Text(),
               .value = Text(),
               .context = Text(),
               .ns = Text(),
               .sender = Text()};
}

void RandomChanges::PutSchedule(std::vector<Change>* out) {
  if (schedules_.empty() || Below(3) == 0) {
    ScheduleRow row;
    row.id = ScheduleId(++counters_.schedule);
    row.workflow_id = WorkflowId(Old(counters_.workflow));
    schedules_.push_back(row);
  }
  ScheduleRow& row = schedules_[static_cast<size_t>(Below(counters_.schedule))];
  row.expression = Text();
  row.timezone = Text();
  row.catchup = static_cast<CatchUp>(Below(3));
  row.skip_if_active = Below(2) == 0;
  row.params_json = Text();
  row.paused = Below(2) == 0;
  row.created = Millis(Below(kAll));
  row.generation = Old(5);
  row.next_due = Millis(Below(kAll));
  row.last_due = Millis(Below(kAll));
  out->emplace_back(row);
}

void RandomChanges::PutTrigger(std::vector<Change>* out, Offset offset) {
  if (triggers_.empty() || Below(3) == 0) {
    TriggerRow row;
    row.id = TriggerId(++counters_.trigger);
    row.workflow_id = WorkflowId(Old(counters_.workflow));
    triggers_.push_back(row);
  }
  TriggerRow& row = triggers_[static_cast<size_t>(Below(counters_.trigger))];
  row.condition_json = Text();
  row.params_json = Text();
  row.paused = Below(2) == 0;
  row.created = Millis(Below(kAll));
  row.created_offset = offset;
  row.pickled_digest = Text();
  row.bundle_digest = Text();
  row.bundle_name = Text();
  row.host_json = Text();
  row.slots.assign(static_cast<size_t>(Below(4)), static_cast<uint8_t>(Below(2)));
  out->emplace_back(row);
}

void RandomChanges::PutState(std::vector<Change>* out) {
  StateRow row;
  if (Below(2) == 0) {
    row.execution_id = ExecutionId(Old(counters_.execution));
  } else {
    row.workflow_id = WorkflowId(Old(counters_.workflow));
  }
  row.name = "state " + std::to_string(Below(3));
  row.value = Text() + std::string("\xff\x00\x80", 3);
  out->emplace_back(row);
}

void RandomChanges::PutEvaluation(std::vector<Change>* out, Offset offset) {
  EvaluationRow row;
  row.offset = offset;
  row.ordinal = static_cast<int32_t>(Below(2));
  if (!triggers_.empty() && Below(2) == 0) {
    const TriggerRow& trigger = triggers_[static_cast<size_t>(Below(counters_.trigger))];
    row.trigger_id = trigger.id;
    row.workflow_id = trigger.workflow_id;
  } else {
    const ExecutionRow& execution = executions_[static_cast<size_t>(Below(counters_.execution))];
    row.execution_id = execution.id;
    row.workflow_id = execution.workflow_id;
    row.task = static_cast<TaskIndex>(Below(3));
  }
  row.event = AnEvent(offset);
  row.source = static_cast<TaskIndex>(Below(3) - 1);
  for (int64_t n = Below(4); n > 0; --n) {
    row.statuses.push_back(
        {static_cast<TaskIndex>(Below(9)), Old(1LL << 40), static_cast<TaskStatus>(Below(8))});
  }
  row.answers.assign(static_cast<size_t>(Below(4)), static_cast<uint8_t>(Below(2)));
  row.decided = Below(2) == 0;
  row.generation = Old(4);
  row.rule = static_cast<RuleIndex>(Below(3) - 1);
  row.question = static_cast<int32_t>(Below(3) - 1);
  evaluations_.push_back(row);
  out->emplace_back(row);
}

void RandomChanges::PutDeadLetter(std::vector<Change>* out, Offset offset) {
  if (dead_letters_.empty() || Below(3) != 0) {
    DeadLetterRow row;
    row.id = DeadLetterId(++counters_.dead_letter);
    if (Below(2) == 0) {
      row.execution_id = ExecutionId(Old(counters_.execution));
    } else {
      row.trigger_id = TriggerId(Old(3));
    }
    row.workflow_id = WorkflowId(Old(counters_.workflow));
    dead_letters_.push_back(row);
  }
  DeadLetterRow& row = dead_letters_[static_cast<size_t>(Below(counters_.dead_letter))];
  row.task = static_cast<TaskIndex>(Below(3) - 1);
  row.rule = static_cast<RuleIndex>(Below(3) - 1);
  row.question = static_cast<int32_t>(Below(3));
  row.decided = Below(2) == 0;
  row.event = AnEvent(offset);
  row.time = Millis(Below(kAll));
  row.error = Text();
  out->emplace_back(row);
}

void RandomChanges::PutSuspension(std::vector<Change>* out, Offset offset) {
  SuspensionRow row;
  if (Below(2) == 0) {
    row.execution_id = ExecutionId(Old(counters_.execution));
  } else {
    row.workflow_id = WorkflowId(Old(counters_.workflow));
  }
  row.letter = DeadLetterId(Below(9));
  row.replaying = Below(2) == 0;
  row.lost = Below(3);
  row.reason_before = Text();
  out->emplace_back(HeldEventRow{row.execution_id, row.workflow_id, offset, AnEvent(offset)});
  switch (Below(4)) {
    case 0: out->emplace_back(EraseSuspension{row.execution_id, row.workflow_id}); break;
    case 1:
      out->emplace_back(EraseHeldEvent{row.execution_id, row.workflow_id, offset - Below(20)});
      break;
    default: out->emplace_back(RecoveryRow{offset, Below(3), Below(3)});
  }
  out->emplace_back(std::move(row));
}

void RandomChanges::PutNewKinds(std::vector<Change>* out, Offset offset) {
  switch (Below(7)) {
    case 0: PutSchedule(out); break;
    case 1: PutTrigger(out, offset); break;
    case 2: PutState(out); break;
    case 3: PutEvaluation(out, offset); break;
    case 4: PutDeadLetter(out, offset); break;
    case 5: PutSuspension(out, offset); break;
    default:
      out->emplace_back(PoolRow{"pool " + std::to_string(Below(5)), Below(100), Text(), Text()});
  }
}

void RandomChanges::EraseNewKinds(std::vector<Change>* out) {
  switch (Below(7)) {
    case 0:
      if (counters_.task_execution > 0) {
        const TaskExecutionRow& run =
            task_executions_[static_cast<size_t>(Below(counters_.task_execution))];
        out->emplace_back(EraseTaskExecution{run.id, run.execution_id, run.task, run.sequence});
      }
      break;
    case 1: out->emplace_back(EraseSchedule{ScheduleId(Old(counters_.schedule + 1))}); break;
    case 2: out->emplace_back(EraseTrigger{TriggerId(Old(counters_.trigger + 1))}); break;
    case 3: out->emplace_back(ErasePool{"pool " + std::to_string(Below(5))}); break;
    case 4: {
      EraseState erase;
      if (Below(2) == 0) {
        erase.execution_id = ExecutionId(Old(counters_.execution));
      } else {
        erase.workflow_id = WorkflowId(Old(counters_.workflow));
      }
      if (Below(2) == 0) erase.name = "state " + std::to_string(Below(3));
      out->emplace_back(erase);
      break;
    }
    case 5:
      if (!evaluations_.empty()) {
        const EvaluationRow& row =
            evaluations_[static_cast<size_t>(Below(std::ssize(evaluations_)))];
        out->emplace_back(
            EraseEvaluation{row.execution_id, row.trigger_id, row.offset, row.ordinal, row.task});
      }
      break;
    default: out->emplace_back(EraseDeadLetter{DeadLetterId(Old(counters_.dead_letter + 1))});
  }
}

void RandomChanges::Erase(std::vector<Change>* out) {
  switch (Below(8)) {
    case 0: {
      const ExecutionId id(Old(counters_.execution));
      out->emplace_back(EraseExecution{id});
      break;
    }
    case 1:
      if (Below(4) == 0) out->emplace_back(EraseWorkflow{WorkflowId(Old(counters_.workflow))});
      break;
    case 2: out->emplace_back(EraseSnapshot{SnapshotId(Old(counters_.snapshot))}); break;
    case 3: out->emplace_back(EraseNamespace{"ns " + std::to_string(Below(5))}); break;
    default:
      if (counters_.outbox > 0) {
        out->emplace_back(EraseOutbox{OutboxId(Old(counters_.outbox))});
      }
  }
}

std::vector<Change> RandomChanges::Batch(Offset offset) {
  std::vector<Change> out;
  if (workflows_.empty()) PutWorkflow(&out);
  if (executions_.empty()) PutExecution(&out, offset);
  for (int64_t n = Below(8); n > 0; --n) {
    switch (Below(12)) {
      case 8:
      case 9:
      case 10: PutNewKinds(&out, offset); break;
      case 11: EraseNewKinds(&out); break;
      case 0: PutWorkflow(&out); break;
      case 1: PutExecution(&out, offset); break;
      case 2:
      case 3: PutTask(&out, offset); break;
      case 4: PutRuleState(&out); break;
      case 5: PutOutbox(&out, offset); break;
      case 6: Erase(&out); break;
      default: out.emplace_back(NamespaceRow{"ns " + std::to_string(Below(5)), Text()});
    }
  }
  if (Below(2) == 0) {
    out.emplace_back(ReplyRow{.offset = offset,
                              .code = static_cast<int>(Below(17)),
                              .message = Text(),
                              .id = Below(kAll),
                              .detail = Text()});
  }
  out.emplace_back(counters_);
  return out;
}

}  // namespace aiflow
