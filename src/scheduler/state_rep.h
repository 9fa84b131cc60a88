#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "scheduler/compiled_workflow.h"
#include "scheduler/state.h"

namespace aiflow {

using RunKey = std::pair<TaskIndex, int64_t>;  // task, sequence

/// What an execution owns beyond its row; made when a task or rule is first touched, so that one
/// that only waits costs its row and an index entry.
struct ExecutionDetail {
  std::map<TaskIndex, TaskRow> tasks;
  std::map<RunKey, TaskExecutionRow> runs;  // those that a TaskRow names
  std::map<RuleRef, RuleStateRow> rules;
  // Derived from the rows above:
  int64_t live_tasks = 0;
  std::vector<uint8_t> latest_status;  // by task; kNeverRan or a TaskStatus. Joins read it

  static constexpr uint8_t kNeverRan = 0xff;
};

/// A task holds its execution open: a run is dispatched, waits, or is asked for.
inline bool IsLive(const TaskRow& task) {
  return task.current != 0 || task.successor != 0 || !task.pending_starts.empty();
}

struct ExecutionEntry {
  ExecutionRow row;
  std::unique_ptr<ExecutionDetail> detail;
};

struct SnapshotEntry {
  SnapshotRow row;
  std::unique_ptr<const CompiledWorkflow> compiled;  // null: no specification
  std::set<ExecutionId> executions;                  // unfinished ones
};

struct WorkflowEntry {
  WorkflowRow row;
  std::set<SnapshotId> snapshots;
};

struct AttemptOutbox {
  OutboxId start;
  OutboxId stop;
};

/// The private part of State: the rows, and indexes derived from them.
struct State::Rep {
  CountersRow counters;
  std::map<std::string, NamespaceRow, std::less<>> namespaces;
  std::unordered_map<WorkflowId, WorkflowEntry> workflows;
  std::unordered_map<SnapshotId, SnapshotEntry> snapshots;
  std::unordered_map<ExecutionId, ExecutionEntry> executions;
  std::map<OutboxId, OutboxRow> outbox;

  // Derived.
  std::map<std::pair<std::string, std::string>, WorkflowId> workflow_names;
  std::map<AttemptKey, AttemptOutbox> attempt_outbox;
  /// Snapshots with unfinished executions, by what their rules expect: the cost of an event is the
  /// number of rules that expect it.
  std::map<std::pair<std::string, std::string>, std::set<SnapshotId>> expecting_event;
  std::unordered_map<std::string, std::set<SnapshotId>> expecting_foreign;

  [[nodiscard]] const WorkflowRow* FindWorkflow(WorkflowId id) const;
  [[nodiscard]] const WorkflowRow* FindWorkflow(const std::string& ns,
                                                const std::string& name) const;
  [[nodiscard]] const SnapshotEntry* FindSnapshot(SnapshotId id) const;
  [[nodiscard]] const ExecutionEntry* FindExecution(ExecutionId id) const;
  /// Unfinished executions of a workflow, ascending.
  [[nodiscard]] std::vector<ExecutionId> ExecutionsOf(WorkflowId id) const;
};

}  // namespace aiflow
