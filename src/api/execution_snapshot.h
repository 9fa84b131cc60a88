#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/spec_cache.h"
#include "api/waits_for.h"
#include "base/status.h"
#include "model/rows.h"
#include "storage/queries.h"

namespace aiflow::api {

/// What the store knows of one execution and its definition, read for one answer. Plain value. The
/// rows are read one after another, so a change between two reads may show; observers read again
/// after each change.
struct ExecutionSnapshot {
  ExecutionRow execution;
  WorkflowRow workflow;
  std::shared_ptr<const WorkflowSpec> spec;
  struct Task {
    std::optional<TaskRow> row;            // empty: never touched
    std::vector<TaskExecutionRow> latest;  // latest first, few
    /// Alternatives: what would start it, or what its live run waits for; empty while that runs and
    /// when the execution is over.
    std::vector<std::string> waits_for;
  };
  std::vector<Task> tasks;                 // in definition order
  std::vector<EvaluationRow> evaluations;  // the first few that wait for an answer, in order
};

/// Reads it. `runs_per_task` is how many latest runs of each task are wanted. kNotFound names the
/// execution.
Result<ExecutionSnapshot> ReadExecution(const Queries& queries, SpecCache& specs, ExecutionId id,
                                        int64_t runs_per_task);

/// An execution with its workflow; kNotFound names the execution.
struct ExecutionWithWorkflow {
  ExecutionRow execution;
  WorkflowRow workflow;
};
Result<ExecutionWithWorkflow> FindExecution(const Queries& queries, ExecutionId id);

/// kNotFound names the workflow.
Result<WorkflowRow> FindWorkflow(const Queries& queries, const std::string& ns,
                                 const std::string& name);

/// The position of a task; kNotFound names it and the ones there are.
Result<TaskIndex> FindTask(const WorkflowSpec& spec, const std::string& name);

/// The specification of an execution's snapshot.
Result<std::shared_ptr<const WorkflowSpec>> SpecOf(const Queries& queries, SpecCache& specs,
                                                   const ExecutionRow& execution);

}  // namespace aiflow::api
