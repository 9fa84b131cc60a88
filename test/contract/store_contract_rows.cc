#include "store_contract_rows.h"

#include <gtest/gtest.h>

#include <limits>

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
  }
  for (int64_t id = 1; id < executions; ++id) {
    const ExecutionId execution(id);
    Append(&rows.tasks, queries.ListTasks(execution));
    Append(&rows.task_executions, queries.ListTaskExecutions(execution, -1, all));
    Append(&rows.task_executions, queries.ListTaskExecutions(execution, 1, all));
    Append(&rows.task_executions, queries.LatestTaskExecutions(execution, 0, 3));
    Append(&rows.rule_states, queries.ListRuleStates(execution));
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
    executions_.push_back(row);
  }
  ExecutionRow& row = executions_[static_cast<size_t>(Below(counters_.execution))];
  row.status = static_cast<ExecutionStatus>(Below(6));
  row.stop_cause = static_cast<StopCause>(Below(5));
  row.begin = Millis(Below(kAll));
  row.end = Millis(Below(kAll));
  row.event_offset = offset;
  row.reason = Text();
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
  out->emplace_back(run);
  out->emplace_back(CauseRow{.execution_id = execution,
                             .offset = offset,
                             .task = index,
                             .ordinal = static_cast<int32_t>(out->size()),
                             .kind = static_cast<CauseKind>(Below(7)),
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
  row.kind = static_cast<OutboxKind>(Below(3));
  row.offset = offset;
  if (row.kind == OutboxKind::kPublish) {
    row.publish = Event{.kind = static_cast<EventKind>(Below(5)),
                        .key = Text(),
                        .value = Text(),
                        .context = Text(),
                        .ns = Text(),
                        .sender = Text(),
                        .id = "i/" + std::to_string(row.id.value())};
  } else {
    row.attempt = AttemptKey{ExecutionId(Old(counters_.execution)), 1, Old(9), Old(3)};
  }
  out->emplace_back(row);
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
    switch (Below(8)) {
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
