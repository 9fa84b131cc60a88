#include <string>
#include <utility>

#include "base/check.h"
#include "calendar/recurrence.h"
#include "model/params.h"
#include "model/utc_text.h"
#include "scheduler/start_execution.h"
#include "scheduler/timers/misfire.h"
#include "scheduler/timers/timers.h"

namespace aiflow {
namespace {

/// Starts an execution for `due`. What kept it from that is for people.
Status StartFor(Draft& draft, const ScheduleRow& schedule, const WorkflowRow& workflow, Millis due,
                std::string why) {
  const WorkflowEntry& entry = *draft.state().FindWorkflowEntry(workflow.id);
  if (schedule.skip_if_active && (entry.active != 0 || !entry.waiting.empty())) {
    return {Code::kFailedPrecondition,
            "workflow execution " +
                std::to_string(draft.state().ExecutionsOf(workflow.id).front().value()) +
                " is not finished (skip_if_active)"};
  }
  const Result<const SnapshotEntry*> snapshot = FindStartableSnapshot(draft, workflow);
  if (!snapshot.has_value()) return snapshot.error();
  Result<std::string> params =
      ResolveParams((*snapshot)->compiled->spec().params, schedule.params_json);
  if (!params.has_value()) return params.error();
  StartOptions options;
  options.run_type = RunType::kPeriodic;
  options.params_json = std::move(*params);
  options.source = schedule.id.value();
  options.due = due;
  options.why = std::move(why);
  StartExecution(draft, workflow, **snapshot, std::move(options));
  return Status::Ok();
}

}  // namespace

void FireSchedule(Draft& draft, const TimerFired& timer) {
  ScheduleRow row = draft.state().schedules.at(ScheduleId(timer.owner));
  const WorkflowRow* workflow = draft.state().FindWorkflow(row.workflow_id);
  CHECK(workflow != nullptr) << "schedule " << row.id << " has no workflow";
  const Result<Recurrence> recurrence = Recurrence::Parse(row.expression, row.timezone);
  if (!recurrence.has_value()) {
    // It could be read when it was added: the system's time zones have changed.
    row.next_due = Millis(0);
    row.reason = "nothing is due any more: " + recurrence.error().message();
    return draft.Put(std::move(row));
  }
  // While the workflow is disabled nothing is missed.
  const CatchUp catchup = workflow->enabled ? row.catchup : CatchUp::kNone;
  const DuePlan plan = PlanDue(*recurrence, catchup, row.next_due, draft.now());
  std::string why = "schedule " + std::to_string(row.id.value()) + " (" + row.expression +
                    "), due " + UtcText(plan.due);
  if (plan.due != row.next_due) why += ", for all since " + UtcText(row.next_due);
  why += ", fired at offset " + std::to_string(draft.offset());
  row.next_due = plan.next;
  Status started(Code::kFailedPrecondition, workflow->enabled
                                                ? "it came too late, and catchup is none"
                                                : "the workflow was disabled");
  if (plan.fires) started = StartFor(draft, row, *workflow, plan.due, std::move(why));
  if (started.ok()) {
    row.last_due = plan.due;
    row.reason.clear();
  } else {
    row.reason = "nothing was started for " + UtcText(plan.due) + ": " + started.message();
  }
  draft.Put(std::move(row));
}

}  // namespace aiflow
