#include "model/requests.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "model/event_keys.h"

namespace aiflow {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kExecutionMember = "workflow_execution_id";

// The member lists, once for both directions: Fields(visitor, request) names every member of the
// request's context. The visitor is either a Writer or a Reader.

template <typename Visitor>
void Fields(Visitor& v, AddNamespace& r) {
  v("name", r.name);
  v("properties", r.properties_json);
}
template <typename Visitor>
void Fields(Visitor& v, UpdateNamespace& r) {
  v("name", r.name);
  v("properties", r.properties_json);
}
template <typename Visitor>
void Fields(Visitor& v, DeleteNamespace& r) {
  v("name", r.name);
  v("cascade", r.cascade);
}
template <typename Visitor>
void Fields(Visitor& v, UploadWorkflow& r) {
  v("namespace", r.ns);
  v("name", r.name);
  v("spec_digest", r.spec_digest);
  v("bundle_digest", r.bundle_digest);
  v("bundle_name", r.bundle_name);
  v("content_digest", r.content_digest);
  v("pickled_digest", r.pickled_digest);
  v("must_be_new", r.must_be_new);
  v("must_exist", r.must_exist);
  v("uri", r.uri);
}
template <typename Visitor>
void Fields(Visitor& v, AddSnapshot& r) {
  v("workflow_id", r.workflow_id);
  v("uri", r.uri);
  v("signature", r.signature);
  v("pickled_digest", r.pickled_digest);
  v("spec_digest", r.spec_digest);
  v("bundle_digest", r.bundle_digest);
  v("bundle_name", r.bundle_name);
}
template <typename Visitor>
void Fields(Visitor& v, DeleteSnapshot& r) {
  v("snapshot_id", r.snapshot_id);
}
template <typename Visitor>
void Fields(Visitor& v, DeleteSnapshots& r) {
  v("namespace", r.ns);
  v("name", r.name);
}
template <typename Visitor>
void Fields(Visitor& v, SetWorkflowEnabled& r) {
  v("namespace", r.ns);
  v("name", r.name);
  v("enabled", r.enabled);
}
template <typename Visitor>
void Fields(Visitor& v, DeleteWorkflow& r) {
  v("namespace", r.ns);
  v("name", r.name);
}
template <typename Visitor>
void Fields(Visitor& v, StartWorkflowExecution& r) {
  v("namespace", r.ns);
  v("name", r.name);
  v("workflow_id", r.workflow_id);
  v("workflow_snapshot_id", r.snapshot_id);
  v("params", r.params_json);
}
template <typename Visitor>
void Fields(Visitor& v, StopWorkflowExecution& r) {
  v(kExecutionMember, r.execution_id);
}
template <typename Visitor>
void Fields(Visitor& v, StopWorkflowExecutions& r) {
  v("namespace", r.ns);
  v("name", r.name);
}
template <typename Visitor>
void Fields(Visitor& v, DeleteWorkflowExecution& r) {
  v(kExecutionMember, r.execution_id);
}
template <typename Visitor>
void Fields(Visitor& v, StartTaskExecution& r) {
  v(kExecutionMember, r.execution_id);
  v("task_name", r.task);
}
template <typename Visitor>
void Fields(Visitor& v, RestartTaskExecution& r) {
  v(kExecutionMember, r.execution_id);
  v("task_name", r.task);
}
template <typename Visitor>
void Fields(Visitor& v, StopTaskExecution& r) {
  v(kExecutionMember, r.execution_id);
  v("task_name", r.task);
  v("task_execution_id", r.task_execution_id);
}
template <typename Visitor>
void Fields(Visitor& v, TaskStatusReport& r) {
  v(kExecutionMember, r.attempt.execution);
  v("task_index", r.attempt.task);
  v("sequence_number", r.attempt.sequence);
  v("try_number", r.attempt.try_number);
  v("task_name", r.task_name);
  v("task_status", r.status);
  v("pid", r.pid);
  v("reason", r.reason);
  v("output", r.output);
  v("non_retriable", r.non_retriable);
  v("engine_made", r.engine_made);
}
template <typename Visitor>
void Fields(Visitor& v, RerunTasks& r) {
  v(kExecutionMember, r.execution_id);
  v("tasks", r.tasks);
}
template <typename Visitor>
void Fields(Visitor& v, MarkTask& r) {
  v(kExecutionMember, r.execution_id);
  v("task_name", r.task);
  v("task_status", r.status);
  v("note", r.note);
}
template <typename Visitor>
void Fields(Visitor& v, AddSchedule& r) {
  v("namespace", r.ns);
  v("name", r.name);
  v("workflow_id", r.workflow_id);
  v("expression", r.expression);
  v("timezone", r.timezone);
  v("catchup", r.catchup);
  v("skip_if_active", r.skip_if_active);
  v("params", r.params_json);
}
template <typename Visitor>
void Fields(Visitor& v, DeleteSchedule& r) {
  v("workflow_schedule_id", r.schedule_id);
}
template <typename Visitor>
void Fields(Visitor& v, DeleteSchedules& r) {
  v("namespace", r.ns);
  v("name", r.name);
}
template <typename Visitor>
void Fields(Visitor& v, SetSchedulePaused& r) {
  v("workflow_schedule_id", r.schedule_id);
  v("paused", r.paused);
}
template <typename Visitor>
void Fields(Visitor& v, BackfillSchedule& r) {
  v("namespace", r.ns);
  v("name", r.name);
  v("workflow_schedule_id", r.schedule_id);
  v("expression", r.expression);
  v("timezone", r.timezone);
  v("from_ms", r.from_ms);
  v("to_ms", r.to_ms);
  v("params", r.params_json);
  v("dry_run", r.dry_run);
}
template <typename Visitor>
void Fields(Visitor& v, AddTrigger& r) {
  v("namespace", r.ns);
  v("name", r.name);
  v("workflow_id", r.workflow_id);
  v("condition", r.condition_json);
  v("params", r.params_json);
  v("pickled_digest", r.pickled_digest);
  v("host", r.host_json);
}
template <typename Visitor>
void Fields(Visitor& v, DeleteTrigger& r) {
  v("workflow_trigger_id", r.trigger_id);
}
template <typename Visitor>
void Fields(Visitor& v, DeleteTriggers& r) {
  v("namespace", r.ns);
  v("name", r.name);
}
template <typename Visitor>
void Fields(Visitor& v, SetTriggerPaused& r) {
  v("workflow_trigger_id", r.trigger_id);
  v("paused", r.paused);
}
template <typename Visitor>
void Fields(Visitor& v, SetPool& r) {
  v("name", r.name);
  v("slots", r.slots);
  v("description", r.description);
  v("executor", r.executor);
  v("keep_executor", r.keep_executor);
  v("of_executor", r.of_executor);
}
template <typename Visitor>
void Fields(Visitor& v, DeletePool& r) {
  v("name", r.name);
}
template <typename Visitor>
void Fields(Visitor& v, TimerFired& r) {
  v("kind", r.kind);
  v("owner", r.owner);
  v("task_index", r.task);
  v("generation", r.generation);
  v("due_ms", r.due_ms);
}
template <typename Visitor>
void Fields(Visitor& v, EvaluationAnswer& r) {
  v(kExecutionMember, r.execution_id);
  v("workflow_trigger_id", r.trigger_id);
  v("offset", r.offset);
  v("ordinal", r.ordinal);
  v("task_index", r.task);
  v("generation", r.generation);
  v("met", r.met);
  v("error", r.error);
  v("states", r.states_json);
}
template <typename Visitor>
void Fields(Visitor& v, RetryDeadLetter& r) {
  v("dead_letter_id", r.dead_letter_id);
}
template <typename Visitor>
void Fields(Visitor& v, DropDeadLetter& r) {
  v("dead_letter_id", r.dead_letter_id);
}
template <typename Visitor>
void Fields(Visitor& v, ReplayHeld& r) {
  v(kExecutionMember, r.execution_id);
  v("workflow_id", r.workflow_id);
}
template <typename Visitor>
void Fields(Visitor& v, HookResult& r) {
  v("outbox_id", r.outbox_id);
  v("tries", r.tries);
  v("error", r.error);
}
template <typename Visitor>
void Fields(Visitor& v, RetireRows& r) {
  v("executions", r.executions);
  v("runs", r.runs);
  v("replies_below", r.replies_below);
}

// Names of enumerations, by value.
constexpr std::array<std::string_view, 3> kCatchUpNames = {"none", "one", "all"};
constexpr std::array<std::string_view, 5> kTimerNames = {"schedule", "task", "tick", "execution",
                                                         "hook"};
constexpr const auto& NamesOf(CatchUp) { return kCatchUpNames; }
constexpr const auto& NamesOf(TimerKind) { return kTimerNames; }

/// Writes members that differ from their defaults; a reader fills in the rest.
class Writer {
 public:
  void operator()(std::string_view name, const std::string& value) {
    if (!value.empty()) json_[name] = value;
  }
  void operator()(std::string_view name, int64_t value) {
    if (value != 0) json_[name] = value;
  }
  void operator()(std::string_view name, int32_t value) { json_[name] = value; }
  void operator()(std::string_view name, bool value) { json_[name] = value; }
  void operator()(std::string_view name, ExecutionId value) { json_[name] = value.value(); }
  void operator()(std::string_view name, TaskStatus value) { json_[name] = TaskStatusName(value); }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  void operator()(std::string_view name, Enum value) {
    json_[name] = NamesOf(value)[static_cast<size_t>(value)];
  }
  template <typename T>
  void operator()(std::string_view name, const std::vector<T>& values) {
    if (!values.empty()) json_[name] = values;
  }

  // Bytes that are no UTF-8 (a reason from a task) are replaced, never thrown at.
  [[nodiscard]] std::string Text() const {
    return json_.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

 private:
  Json json_ = Json::object();
};

/// Reads members of the right type, leaves absent ones alone, remembers the first bad one. Unknown
/// members are ignored: events of other producers may carry more.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json) {}

  void operator()(std::string_view name, std::string& value) {
    if (const Json* member = Find(name)) {
      if (!member->is_string()) return Fail(name, "a string");
      value = member->get<std::string>();
    }
  }
  void operator()(std::string_view name, int64_t& value) {
    if (const Json* member = Find(name)) {
      if (const auto number = Integer(*member)) {
        value = *number;
      } else {
        Fail(name, "an integer");
      }
    }
  }
  void operator()(std::string_view name, int32_t& value) {
    int64_t wide = value;
    (*this)(name, wide);
    if (wide < std::numeric_limits<int32_t>::min() || wide > std::numeric_limits<int32_t>::max()) {
      return Fail(name, "a 32-bit integer");
    }
    value = static_cast<int32_t>(wide);
  }
  void operator()(std::string_view name, bool& value) {
    if (const Json* member = Find(name)) {
      if (!member->is_boolean()) return Fail(name, "true or false");
      value = member->get<bool>();
    }
  }
  void operator()(std::string_view name, ExecutionId& value) {
    int64_t number = value.value();
    (*this)(name, number);
    value = ExecutionId(number);
  }
  void operator()(std::string_view name, TaskStatus& value) {
    std::string text(TaskStatusName(value));
    (*this)(name, text);
    const std::optional<TaskStatus> status = ParseTaskStatus(text);
    if (!status) return Fail(name, "a task status");
    value = *status;
  }

  template <typename Enum>
  requires std::is_enum_v<Enum>
  void operator()(std::string_view name, Enum& value) {
    const auto& names = NamesOf(value);
    std::string text(names[static_cast<size_t>(value)]);
    (*this)(name, text);
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end()) return Fail(name, "one of its known names");
    value = static_cast<Enum>(found - names.begin());
  }
  void operator()(std::string_view name, std::vector<int64_t>& values) {
    const Json* member = Find(name);
    if (member == nullptr) return;
    if (!member->is_array()) return Fail(name, "an array of integers");
    for (const Json& element : *member) {
      const auto number = Integer(element);
      if (!number) return Fail(name, "an array of integers");
      values.push_back(*number);
    }
  }
  void operator()(std::string_view name, std::vector<std::string>& values) {
    const Json* member = Find(name);
    if (member == nullptr) return;
    if (!member->is_array()) return Fail(name, "an array of strings");
    for (const Json& element : *member) {
      if (!element.is_string()) return Fail(name, "an array of strings");
      values.push_back(element.get<std::string>());
    }
  }

  /// An integer, or the decimal string that clients of other languages send.
  static std::optional<int64_t> Integer(const Json& json) {
    if (json.is_number_integer()) {
      if (json.is_number_unsigned() &&
          json.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        return std::nullopt;
      }
      return json.get<int64_t>();
    }
    if (!json.is_string()) return std::nullopt;
    const auto& text = json.get_ref<const std::string&>();
    if (text.empty() || text.size() > 18 ||
        !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      return std::nullopt;
    }
    return std::stoll(text);
  }

  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  const Json* Find(std::string_view name) const {
    const auto found = json_.find(name);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }
  void Fail(std::string_view name, std::string_view expected) {
    if (error_.empty()) {
      error_ = "member " + std::string(name) + " must be " + std::string(expected);
    }
  }

  const Json& json_;
  std::string error_;
};

struct Kind {
  std::string_view value;
  Request (*make)();
};

template <typename T>
Request Make() {
  return T{};
}

// In the order of Request's alternatives.
constexpr std::array<Kind, std::variant_size_v<Request>> kKinds = {{
    {"ADD_NAMESPACE", &Make<AddNamespace>},
    {"UPDATE_NAMESPACE", &Make<UpdateNamespace>},
    {"DELETE_NAMESPACE", &Make<DeleteNamespace>},
    {"UPLOAD_WORKFLOW", &Make<UploadWorkflow>},
    {"ADD_SNAPSHOT", &Make<AddSnapshot>},
    {"DELETE_SNAPSHOT", &Make<DeleteSnapshot>},
    {"DELETE_SNAPSHOTS", &Make<DeleteSnapshots>},
    {"SET_WORKFLOW_ENABLED", &Make<SetWorkflowEnabled>},
    {"DELETE_WORKFLOW", &Make<DeleteWorkflow>},
    {"START_WORKFLOW_EXECUTION", &Make<StartWorkflowExecution>},
    {"STOP_WORKFLOW_EXECUTION", &Make<StopWorkflowExecution>},
    {"STOP_WORKFLOW_EXECUTIONS", &Make<StopWorkflowExecutions>},
    {"DELETE_WORKFLOW_EXECUTION", &Make<DeleteWorkflowExecution>},
    {"START_TASK_EXECUTION", &Make<StartTaskExecution>},
    {"RESTART_TASK_EXECUTION", &Make<RestartTaskExecution>},
    {"STOP_TASK_EXECUTION", &Make<StopTaskExecution>},
    {"RERUN_TASKS", &Make<RerunTasks>},
    {"MARK_TASK", &Make<MarkTask>},
    {"ADD_SCHEDULE", &Make<AddSchedule>},
    {"DELETE_SCHEDULE", &Make<DeleteSchedule>},
    {"DELETE_SCHEDULES", &Make<DeleteSchedules>},
    {"SET_SCHEDULE_PAUSED", &Make<SetSchedulePaused>},
    {"BACKFILL_SCHEDULE", &Make<BackfillSchedule>},
    {"ADD_TRIGGER", &Make<AddTrigger>},
    {"DELETE_TRIGGER", &Make<DeleteTrigger>},
    {"DELETE_TRIGGERS", &Make<DeleteTriggers>},
    {"SET_TRIGGER_PAUSED", &Make<SetTriggerPaused>},
    {"SET_POOL", &Make<SetPool>},
    {"DELETE_POOL", &Make<DeletePool>},
    {"TIMER_FIRED", &Make<TimerFired>},
    {"EVALUATION_ANSWER", &Make<EvaluationAnswer>},
    {"RETRY_DEAD_LETTER", &Make<RetryDeadLetter>},
    {"DROP_DEAD_LETTER", &Make<DropDeadLetter>},
    {"REPLAY_HELD", &Make<ReplayHeld>},
    {"HOOK_RESULT", &Make<HookResult>},
    {"RETIRE_ROWS", &Make<RetireRows>},
    {"TASK_STATUS", &Make<TaskStatusReport>},
}};

Json ParseObject(const std::string& text) {
  if (text.empty()) return Json::object();
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

}  // namespace

Event FormatRequest(const Request& request) {
  Event event;
  event.kind = std::holds_alternative<TaskStatusReport>(request) ? EventKind::kTaskStatus
                                                                 : EventKind::kInternal;
  event.key = kSchedulingEventKey;
  event.value = kKinds[request.index()].value;
  Writer writer;
  Request copy = request;
  std::visit([&writer](auto& alternative) { Fields(writer, alternative); }, copy);
  event.context = writer.Text();
  return event;
}

Result<Request> ParseRequest(const Event& event) {
  if (event.key != kSchedulingEventKey) {
    return Error(Code::kInvalidArgument, "event with key " + event.key + " is no request");
  }
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(),
                                 [&event](const Kind& k) { return k.value == event.value; });
  if (kind == kKinds.end()) {
    return Error(Code::kInvalidArgument, "unknown scheduling request " + event.value);
  }
  const Json json = ParseObject(event.context);
  if (!json.is_object()) {
    return Error(Code::kInvalidArgument, event.value + ": the context is not a JSON object");
  }
  Request request = kind->make();
  Reader reader(json);
  std::visit([&reader](auto& alternative) { Fields(reader, alternative); }, request);
  if (!reader.error().empty()) {
    return Error(Code::kInvalidArgument, event.value + ": " + reader.error());
  }
  return request;
}

bool MayComeFromWire(std::string_view value) {
  return value == "START_WORKFLOW_EXECUTION" || value == "STOP_WORKFLOW_EXECUTION" ||
         value == "START_TASK_EXECUTION" || value == "RESTART_TASK_EXECUTION" ||
         value == "STOP_TASK_EXECUTION";
}

std::optional<ExecutionId> ExecutionOf(const Event& event, bool* malformed) {
  if (malformed != nullptr) *malformed = false;
  // Most events have no such member: skip the parser for them.
  if (event.context.find(kExecutionMember) == std::string::npos) return std::nullopt;
  const Json json = ParseObject(event.context);
  if (!json.is_object()) return std::nullopt;
  const auto member = json.find(kExecutionMember);
  if (member == json.end() || member->is_null()) return std::nullopt;
  if (const std::optional<int64_t> id = Reader::Integer(*member)) return ExecutionId(*id);
  if (malformed != nullptr) *malformed = true;
  return std::nullopt;
}

}  // namespace aiflow
