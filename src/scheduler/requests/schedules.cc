#include <utility>

#include "calendar/recurrence.h"
#include "calendar/time_zone.h"
#include "model/limits.h"
#include "model/params.h"
#include "model/utc_text.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"

namespace aiflow {
namespace {

std::string Subject(int64_t id) { return "Workflow schedule " + std::to_string(id); }

/// The schedule, or null and an answer.
const ScheduleRow* FindSchedule(Draft& draft, int64_t id) {
  const auto found = draft.state().schedules.find(ScheduleId(id));
  if (found != draft.state().schedules.end()) return &found->second;
  draft.Reply(Code::kNotFound, Subject(id) + " not exists");
  return nullptr;
}

/// What the latest snapshot of the workflow says, as far as it is known.
const WorkflowSpec* SpecOf(const Draft& draft, const WorkflowRow& workflow) {
  const SnapshotEntry* snapshot = draft.state().FindSnapshot(workflow.latest_snapshot);
  if (snapshot == nullptr || snapshot->compiled == nullptr) return nullptr;
  return &snapshot->compiled->spec();
}

/// The zone is that of the schedule, else of the workflow: kept as it is now.
Status CheckTimes(const ScheduleRow& row, Millis now, Millis& first) {
  if (!row.timezone.empty()) {
    if (const auto zone = TimeZone::Find(row.timezone); !zone.has_value()) return zone.error();
  }
  const Result<Recurrence> recurrence = Recurrence::Parse(row.expression, row.timezone);
  if (!recurrence.has_value()) return recurrence.error();
  const std::optional<Millis> due = recurrence->First(now);
  if (!due.has_value()) {
    return {Code::kInvalidArgument, "'" + row.expression + "' has no due time after now"};
  }
  first = *due;
  return Status::Ok();
}

}  // namespace

void Handle(Draft& draft, const AddSchedule& request) {
  const WorkflowRow* workflow = FindWorkflow(draft, request.workflow_id, request.ns, request.name);
  if (workflow == nullptr) return;
  const std::string subject = "schedule of workflow " + workflow->ns + "." + workflow->name + ": ";
  const size_t count = draft.state().FindWorkflowEntry(workflow->id)->schedules.size();
  if (count >= limits::kMaxSchedulesPerWorkflow) {
    return draft.Reply(Code::kResourceExhausted, subject + "it has " + std::to_string(count) +
                                                     " schedules, the limit; delete some first");
  }
  const WorkflowSpec* spec = SpecOf(draft, *workflow);
  ScheduleRow row;
  row.workflow_id = workflow->id;
  row.expression = request.expression;
  row.timezone = request.timezone;
  if (row.timezone.empty() && spec != nullptr) row.timezone = spec->timezone;
  row.catchup = request.catchup;
  row.skip_if_active = request.skip_if_active;
  row.params_json = request.params_json;
  row.created = draft.now();
  if (const Status status = CheckTimes(row, draft.now(), row.next_due); !status.ok()) {
    return draft.Reply(status.code(), subject + status.message());
  }
  Status params = CheckParams(row.params_json);
  if (params.ok() && spec != nullptr) {
    const Result<std::string> resolved = ResolveParams(spec->params, row.params_json);
    if (!resolved.has_value()) params = resolved.error();
  }
  if (!params.ok()) return draft.Reply(params.code(), subject + params.message());
  row.id = ScheduleId(++draft.counters().schedule);
  const int64_t id = row.id.value();
  const Millis due = row.next_due;
  draft.Put(std::move(row));
  draft.Reply(Code::kOk, Subject(id) + " created, first due " + UtcText(due), id,
              "{\"next_due_ms\":" + std::to_string(due.count()) + "}");
}

void Handle(Draft& draft, const DeleteSchedule& request) {
  const ScheduleRow* row = FindSchedule(draft, request.schedule_id);
  if (row == nullptr) return;
  draft.Put(EraseSchedule{row->id});
  draft.Reply(Code::kOk, Subject(request.schedule_id) + " deleted", request.schedule_id);
}

void Handle(Draft& draft, const DeleteSchedules& request) {
  const WorkflowRow* workflow = FindWorkflow(draft, 0, request.ns, request.name);
  if (workflow == nullptr) return;
  const auto& schedules = draft.state().FindWorkflowEntry(workflow->id)->schedules;
  for (const ScheduleId id : schedules) draft.Put(EraseSchedule{id});
  draft.Reply(Code::kOk,
              std::to_string(schedules.size()) + " schedules of workflow " + workflow->ns + "." +
                  workflow->name + " deleted",
              static_cast<int64_t>(schedules.size()));
}

void Handle(Draft& draft, const SetSchedulePaused& request) {
  const ScheduleRow* stored = FindSchedule(draft, request.schedule_id);
  if (stored == nullptr) return;
  const std::string subject = Subject(request.schedule_id);
  if (stored->paused == request.paused) {
    return draft.Reply(Code::kOk, subject + (request.paused ? " is paused" : " runs") + " already",
                       request.schedule_id);
  }
  ScheduleRow row = *stored;
  row.paused = request.paused;
  row.next_due = Millis(0);
  row.reason.clear();
  std::string done = subject + " paused";
  if (!row.paused) {
    // What was due while it was paused is not caught up.
    ++row.generation;
    if (const Status status = CheckTimes(row, draft.now(), row.next_due); !status.ok()) {
      return draft.Reply(Code::kFailedPrecondition, subject + ": " + status.message(),
                         request.schedule_id);
    }
    done = subject + " resumed, next due " + UtcText(row.next_due);
  }
  draft.Put(std::move(row));
  draft.Reply(Code::kOk, std::move(done), request.schedule_id);
}

}  // namespace aiflow
