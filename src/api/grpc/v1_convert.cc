#include "api/grpc/v1_convert.h"

#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "model/requests.h"

namespace aiflow::api {
namespace {

using Json = nlohmann::json;

// Enough to recognise a value; the whole is in the log.
constexpr size_t kMaxShownValueBytes = 4096;

std::string_view CauseKindName(CauseKind kind) {
  switch (kind) {
    case CauseKind::kStarted: return "STARTED";
    case CauseKind::kIgnored: return "IGNORED";
    case CauseKind::kQueued: return "QUEUED";
    case CauseKind::kCoalesced: return "COALESCED";
    case CauseKind::kStopped: return "STOPPED";
    case CauseKind::kDropped: return "DROPPED";
    case CauseKind::kRejected: return "REJECTED";
    case CauseKind::kRetrying: return "RETRYING";
    case CauseKind::kWaiting: return "WAITING";
    case CauseKind::kEvaluated: return "EVALUATED";
    case CauseKind::kTimer: return "TIMER";
    case CauseKind::kMarked: return "MARKED";
    case CauseKind::kAlarm: return "ALARM";
    case CauseKind::kReopened: return "REOPENED";
    case CauseKind::kHook: return "HOOK";
  }
  return "UNKNOWN";
}

// "by prepare SUCCESS #40": the task and status of a report; empty for any other event.
std::string ReportText(const Event& event) {
  if (event.kind != EventKind::kTaskStatus) return "";
  const auto request = ParseRequest(event);
  if (!request.has_value()) return "";
  const auto* report = std::get_if<TaskStatusReport>(&*request);
  if (report == nullptr) return "";
  return "by " + report->task_name + " " + std::string(TaskStatusName(report->status)) + " #" +
         std::to_string(event.offset);
}

}  // namespace

std::string ShortenValue(std::string text) {
  if (text.size() <= kMaxShownValueBytes) return text;
  // At a character's beginning, as protobuf strings must stay UTF-8.
  size_t end = kMaxShownValueBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + "...";
}

void CauseReader::Read(Offset offset, std::string* key, std::string* value, std::string* text) {
  if (offset <= 0) return;
  auto found = seen_.find(offset);
  if (found == seen_.end()) {
    Shown shown;
    auto events = log_.Read(offset - 1, 1, 1);
    if (events.has_value() && !events->empty() && events->front().offset == offset) {
      shown.text = ReportText(events->front());
      shown.key = std::move(events->front().key);
      shown.value = ShortenValue(std::move(events->front().value));
    }
    found = seen_.emplace(offset, std::move(shown)).first;
  }
  *key = found->second.key;
  *value = found->second.value;
  if (text != nullptr) *text = found->second.text;
}

void PropertiesToProto(const std::string& json,
                       google::protobuf::Map<std::string, std::string>* properties) {
  const Json object = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return;
  for (const auto& [name, value] : object.items()) {
    (*properties)[name] = value.is_string() ? value.get<std::string>() : value.dump();
  }
}

std::string PropertiesToJson(const google::protobuf::Map<std::string, std::string>& properties) {
  // Ordered, so that equal properties give equal text.
  return Json(std::map<std::string, std::string>(properties.begin(), properties.end())).dump();
}

void ToProto(const NamespaceRow& row, v1::Namespace* proto) {
  proto->set_name(row.name);
  PropertiesToProto(row.properties_json, proto->mutable_properties());
}

void ToProto(const WorkflowRow& row, v1::Workflow* proto) {
  proto->set_id(row.id.value());
  proto->set_namespace_(row.ns);
  proto->set_name(row.name);
  proto->set_enabled(row.enabled);
  proto->set_create_time(row.created.count());
  proto->set_update_time(row.updated.count());
  proto->set_event_offset(row.event_offset);
  proto->set_latest_snapshot_id(row.latest_snapshot.value());
}

void ToProto(const ExecutionRow& row, const WorkflowRow& workflow, v1::WorkflowExecution* proto) {
  proto->set_id(row.id.value());
  proto->set_workflow_id(row.workflow_id.value());
  proto->set_namespace_(workflow.ns);
  proto->set_workflow_name(workflow.name);
  proto->set_snapshot_id(row.snapshot_id.value());
  proto->set_status(std::string(ExecutionStatusName(row.status)));
  proto->set_run_type(std::string(RunTypeName(row.run_type)));
  proto->set_begin_time(row.begin.count());
  proto->set_end_time(row.end.count());
  proto->set_event_offset(row.event_offset);
  proto->set_reason(row.reason);
  proto->set_params_json(row.params_json);
  proto->set_due_time(row.due.count());
  proto->set_source_id(row.source);
  proto->set_waits_for(ExecutionWaitsFor(row));
  proto->set_deadline(row.deadline.count());
}

void ToProto(const TaskExecutionRow& row, CauseReader* causes, v1::TaskExecution* proto) {
  proto->set_id(row.id.value());
  proto->set_execution_id(row.execution_id.value());
  proto->set_task_name(row.task_name);
  proto->set_sequence_number(row.sequence);
  proto->set_try_number(row.try_number);
  proto->set_status(std::string(TaskStatusName(row.status)));
  proto->set_begin_time(row.begin.count());
  proto->set_end_time(row.end.count());
  proto->set_reason(row.reason);
  proto->set_pid(row.pid);
  proto->set_output(row.output);
  if (row.has_slot || !row.executor.empty() || row.pid != 0) {
    proto->set_executor(ExecutorName(row.executor));
  }
  proto->set_waits_for(RunWaitsFor(row));
  proto->set_deadline(row.deadline.count());
  v1::Cause* cause = proto->mutable_cause();
  cause->set_offset(row.cause_offset);
  causes->Read(row.cause_offset, cause->mutable_event_key(), cause->mutable_event_value(),
               cause->mutable_text());
}

void ToProto(const CauseRow& row, CauseReader* causes, v1::CauseRecord* proto) {
  proto->set_kind(std::string(CauseKindName(row.kind)));
  proto->set_sequence_number(row.sequence);
  proto->set_offset(row.offset);
  proto->set_time(row.time.count());
  proto->set_text(row.text);
  causes->Read(row.offset, proto->mutable_event_key(), proto->mutable_event_value());
}

void ToProto(const ExecutionSnapshot& snapshot, CauseReader* causes,
             v1::WorkflowExecutionView* proto) {
  ToProto(snapshot.execution, snapshot.workflow, proto->mutable_execution());
  for (size_t i = 0; i < snapshot.tasks.size(); ++i) {
    const ExecutionSnapshot::Task& task = snapshot.tasks[i];
    v1::TaskView* view = proto->add_tasks();
    view->set_name(snapshot.spec->tasks[i].name);
    for (const TaskExecutionRow& run : task.latest) ToProto(run, causes, view->add_latest());
    if (task.row.has_value()) {
      // A successor has its number already, but has not run.
      view->set_runs(task.row->last_sequence - (task.row->successor != 0 ? 1 : 0));
      view->set_pending_starts(static_cast<int64_t>(task.row->pending_starts.size()));
    }
    for (std::string& name : Upstream(*snapshot.spec, static_cast<TaskIndex>(i))) {
      view->add_upstream(std::move(name));
    }
    std::string waits;
    for (const std::string& line : task.waits_for) {
      waits.append(waits.empty() ? "" : ", or ").append(line);
    }
    view->set_waits_for(std::move(waits));
  }
}

}  // namespace aiflow::api
