#include <set>
#include <utility>
#include <variant>

#include "model/params.h"
#include "model/utc_text.h"
#include "scheduler/backfill.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"
#include "scheduler/start_execution.h"

namespace aiflow {
namespace {

/// The due times that have an execution, finished or not.
std::set<Millis> DoneOf(const Draft& draft, const Backfill& backfill) {
  std::set<Millis> done;
  for (const Change& change : draft.loaded()) {
    const auto* row = std::get_if<ExecutionRow>(&change);
    if (row != nullptr && StandsFor(backfill, *row)) done.insert(row->due);
  }
  for (const ExecutionId id : draft.state().ExecutionsOf(backfill.workflow->id)) {
    const ExecutionRow& row = draft.state().FindExecution(id)->row;
    if (StandsFor(backfill, row)) done.insert(row.due);
  }
  return done;
}

std::string Listed(const std::vector<int64_t>& numbers) {
  std::string text;
  for (const int64_t number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return "[" + text + "]";
}

std::string Source(const Backfill& backfill, const BackfillSchedule& request) {
  return backfill.schedule != nullptr ? "schedule " + std::to_string(backfill.schedule->id.value())
                                      : "'" + request.expression + "'";
}

}  // namespace

void Handle(Draft& draft, const BackfillSchedule& request) {
  const Result<Backfill> backfill = PlanBackfill(draft.state(), draft.now(), request);
  if (!backfill.has_value()) {
    return draft.Reply(backfill.error().code(), backfill.error().message());
  }
  const WorkflowRow& workflow = *backfill->workflow;
  const Result<const SnapshotEntry*> snapshot = FindStartableSnapshot(draft, workflow);
  if (!snapshot.has_value()) {
    return draft.Reply(snapshot.error().code(), "backfill: " + snapshot.error().message());
  }
  const bool own_params = request.params_json.empty() && backfill->schedule != nullptr;
  const Result<std::string> params =
      ResolveParams((*snapshot)->compiled->spec().params,
                    own_params ? backfill->schedule->params_json : request.params_json);
  if (!params.has_value()) {
    return draft.Reply(params.error().code(), "backfill: Workflow " + workflow.ns + "." +
                                                  workflow.name + ": " + params.error().message());
  }
  const std::string source = Source(*backfill, request);
  const std::set<Millis> done = DoneOf(draft, *backfill);
  std::vector<int64_t> due_times;
  std::vector<int64_t> executions;
  for (const Millis due : backfill->due) {
    if (done.contains(due)) continue;
    due_times.push_back(due.count());
    if (request.dry_run) continue;
    StartOptions options;
    options.run_type = RunType::kPeriodic;
    options.params_json = *params;
    options.source = backfill->schedule == nullptr ? 0 : backfill->schedule->id.value();
    options.due = due;
    options.why = "backfill of " + source + ", due " + UtcText(due) + ", " + RequestText(draft);
    executions.push_back(
        StartExecution(draft, workflow, **snapshot, std::move(options)).id().value());
  }
  std::string message = std::to_string(due_times.size()) + " executions of workflow " +
                        workflow.ns + "." + workflow.name +
                        (request.dry_run ? " would be started" : " started") + " for " + source;
  if (const size_t skipped = backfill->due.size() - due_times.size(); skipped != 0) {
    message += "; " + std::to_string(skipped) + " due times have one already";
  }
  if (backfill->to_come.has_value()) {
    message += "; due times from " + UtcText(*backfill->to_come) + " on are still to come";
  }
  draft.Reply(Code::kOk, std::move(message), static_cast<int64_t>(due_times.size()),
              "{\"due_ms\":" + Listed(due_times) + ",\"executions\":" + Listed(executions) + "}");
}

}  // namespace aiflow
