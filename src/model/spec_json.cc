#include "model/spec_json.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "model/limits.h"

namespace aiflow {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

template <typename T, size_t N>
using Names = std::array<std::pair<std::string_view, T>, N>;

constexpr Names<OperatorKind, 3> kOperators = {{{"bash", OperatorKind::kBash},
                                                {"host", OperatorKind::kHost},
                                                {"empty", OperatorKind::kEmpty}}};
constexpr Names<Overlap, 3> kOverlaps = {
    {{"restart", Overlap::kRestart}, {"skip", Overlap::kSkip}, {"queue", Overlap::kQueue}}};
constexpr Names<CatchUp, 3> kCatchUps = {
    {{"none", CatchUp::kNone}, {"one", CatchUp::kOne}, {"all", CatchUp::kAll}}};
constexpr Names<ParamType, 5> kParamTypes = {{{"string", ParamType::kString},
                                              {"integer", ParamType::kInteger},
                                              {"number", ParamType::kNumber},
                                              {"boolean", ParamType::kBoolean},
                                              {"json", ParamType::kJson}}};
constexpr Names<FilterField, 3> kFilterFields = {{{"value", FilterField::kValue},
                                                  {"context", FilterField::kContext},
                                                  {"sender", FilterField::kSender}}};
constexpr Names<EventScope, 3> kScopes = {{{"any", EventScope::kAny},
                                           {"execution", EventScope::kExecution},
                                           {"namespace", EventScope::kNamespace}}};
constexpr Names<OnAlive, 3> kOnAlive = {
    {{"ignore", OnAlive::kIgnore}, {"queue", OnAlive::kQueue}, {"restart", OnAlive::kRestart}}};
constexpr Names<TaskAction, 3> kActions = {{{"START", TaskAction::kStart},
                                            {"STOP", TaskAction::kStop},
                                            {"RESTART", TaskAction::kRestart}}};
constexpr Names<ConditionKind, 6> kConditions = {
    {{"event", ConditionKind::kEvent},
     {"all_of", ConditionKind::kAllOf},
     {"any_of", ConditionKind::kAnyOf},
     {"task_status", ConditionKind::kTaskStatus},
     {"all_task_status", ConditionKind::kAllTaskStatus},
     {"custom", ConditionKind::kCustom}}};
constexpr Names<TaskStatus, 8> kStatuses = {{{"INIT", TaskStatus::kInit},
                                             {"QUEUED", TaskStatus::kQueued},
                                             {"RUNNING", TaskStatus::kRunning},
                                             {"SUCCESS", TaskStatus::kSuccess},
                                             {"FAILED", TaskStatus::kFailed},
                                             {"STOPPING", TaskStatus::kStopping},
                                             {"STOPPED", TaskStatus::kStopped},
                                             {"RETRYING", TaskStatus::kRetrying}}};

template <typename T, size_t N>
std::string_view NameOf(const Names<T, N>& names, T value) {
  return std::find_if(names.begin(), names.end(),
                      [value](const auto& n) { return n.second == value; })
      ->first;
}

/// Reads one JSON object member by member, and remembers the first error of the whole document with
/// its path. Members that nobody asked for are an error at the end.
class ObjectReader {
 public:
  ObjectReader(const Json& json, std::string path, Status& status)
      : json_(json), path_(std::move(path)), status_(status) {
    if (!json_.is_object()) Fail(path_, "must be an object", json_);
  }

  /// The member, or null when absent (or after an error).
  const Json* Take(std::string_view name, bool required = false) {
    taken_.push_back(name);
    if (!status_.ok()) return nullptr;
    const auto found = json_.find(name);
    if (found != json_.end()) return &*found;
    if (required) Fail(path_, "lacks the member \"" + std::string(name) + "\"", json_);
    return nullptr;
  }
  void String(std::string_view name, std::string& value, bool required = false) {
    if (const Json* member = Take(name, required)) {
      if (!member->is_string()) return Fail(Path(name), "must be a string", *member);
      value = member->get<std::string>();
    }
  }
  void Bool(std::string_view name, bool& value) {
    if (const Json* member = Take(name)) {
      if (!member->is_boolean()) return Fail(Path(name), "must be true or false", *member);
      value = member->get<bool>();
    }
  }
  void Integer(std::string_view name, int64_t& value) {
    if (const Json* member = Take(name)) {
      if (!member->is_number_integer() ||
          (member->is_number_unsigned() && member->get<uint64_t>() > INT64_MAX)) {
        return Fail(Path(name), "must be an integer", *member);
      }
      value = member->get<int64_t>();
    }
  }
  void Duration(std::string_view name, Millis& value) {
    int64_t number = value.count();
    Integer(name, number);
    value = Millis(number);
  }
  void Number(std::string_view name, std::optional<double>& value) {
    if (const Json* member = Take(name)) {
      if (!member->is_number()) return Fail(Path(name), "must be a number", *member);
      value = member->get<double>();
    }
  }
  template <typename T, size_t N>
  void Enum(std::string_view name, const Names<T, N>& names, T& value, bool required = false) {
    std::string text;
    const Json* member = Take(name, required);
    if (member == nullptr) return;
    if (member->is_string()) {
      for (const auto& [known, meaning] : names) {
        if (member->get_ref<const std::string&>() == known) {
          value = meaning;
          return;
        }
      }
    }
    for (const auto& entry : names) text.append(text.empty() ? "" : ", ").append(entry.first);
    Fail(Path(name), "must be one of " + text, *member);
  }
  /// Calls `each(element, path)` for the elements of an array member.
  template <typename F>
  void Array(std::string_view name, F each, bool required = false) {
    const Json* member = Take(name, required);
    if (member == nullptr) return;
    if (!member->is_array()) return Fail(Path(name), "must be an array", *member);
    for (size_t i = 0; i < member->size() && status_.ok(); ++i) {
      each((*member)[i], Path(name) + "[" + std::to_string(i) + "]");
    }
  }
  /// Calls `each(name, value)` for the members of an object member.
  template <typename F>
  void Object(std::string_view name, F each) {
    const Json* member = Take(name);
    if (member == nullptr) return;
    if (!member->is_object()) return Fail(Path(name), "must be an object", *member);
    for (const auto& entry : member->items()) each(entry.key(), entry.value());
  }
  void RefuseOthers() {
    if (!status_.ok()) return;
    for (const auto& entry : json_.items()) {
      if (std::find(taken_.begin(), taken_.end(), entry.key()) == taken_.end()) {
        return Fail(path_, "has the unknown member \"" + entry.key() + "\"", entry.value());
      }
    }
  }
  void Fail(const std::string& path, const std::string& what, const Json& value) {
    if (!status_.ok()) return;
    std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    constexpr size_t kShown = 60;
    if (text.size() > kShown) text = text.substr(0, kShown) + "...";
    status_ = Status(Code::kInvalidArgument,
                     "workflow specification: " + path + " " + what + ", got " + text);
  }
  [[nodiscard]] std::string Path(std::string_view name) const {
    return path_ + "." + std::string(name);
  }

 private:
  const Json& json_;
  const std::string path_;
  Status& status_;
  std::vector<std::string_view> taken_;
};

std::string Text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

FilterSpec ReadFilter(const Json& json, const std::string& path, Status& status) {
  FilterSpec filter;
  ObjectReader reader(json, path, status);
  reader.Enum("field", kFilterFields, filter.field, /*required=*/true);
  if (const Json* pointer = reader.Take("pointer")) {
    if (!pointer->is_string()) {
      reader.Fail(reader.Path("pointer"), "must be a string", *pointer);
    } else {
      filter.pointer = pointer->get<std::string>();
    }
  }
  if (const Json* equals = reader.Take("equals")) filter.one_of.push_back(Text(*equals));
  reader.Array("one_of", [&filter](const Json& value, const std::string& /*path*/) {
    filter.one_of.push_back(Text(value));
  });
  reader.Number("min", filter.min);
  reader.Number("max", filter.max);
  reader.RefuseOthers();
  return filter;
}

ConditionSpec ReadCondition(const Json& json, const std::string& path, size_t depth,
                            Status& status) {
  ConditionSpec condition;
  ObjectReader reader(json, path, status);
  if (depth > limits::kMaxConditionDepth) {
    reader.Fail(path, "is nested deeper than " + std::to_string(limits::kMaxConditionDepth), json);
    return condition;
  }
  reader.Enum("type", kConditions, condition.kind, /*required=*/true);
  if (!status.ok()) return condition;
  switch (condition.kind) {
    case ConditionKind::kEvent:
      reader.String("key", condition.key, /*required=*/true);
      reader.Enum("scope", kScopes, condition.scope);
      reader.Array("filters", [&](const Json& filter, const std::string& filter_path) {
        condition.filters.push_back(ReadFilter(filter, filter_path, status));
      });
      break;
    case ConditionKind::kTaskStatus:
      reader.String("namespace", condition.ns, /*required=*/true);
      reader.String("workflow", condition.workflow, /*required=*/true);
      reader.String("task", condition.task, /*required=*/true);
      reader.Enum("status", kStatuses, condition.status, /*required=*/true);
      break;
    case ConditionKind::kCustom:
      reader.String("name", condition.name, /*required=*/true);
      reader.Array(
          "event_keys",
          [&](const Json& key, const std::string& key_path) {
            if (!key.is_string()) return reader.Fail(key_path, "must be a string", key);
            condition.event_keys.push_back(key.get<std::string>());
          },
          /*required=*/true);
      break;
    case ConditionKind::kAllOf:
      reader.String("name", condition.name, /*required=*/true);
      [[fallthrough]];
    case ConditionKind::kAnyOf:
    case ConditionKind::kAllTaskStatus:
      reader.Array(
          "conditions",
          [&](const Json& child, const std::string& child_path) {
            condition.children.push_back(ReadCondition(child, child_path, depth + 1, status));
          },
          /*required=*/true);
      break;
  }
  reader.RefuseOthers();
  return condition;
}

TaskSpec ReadTask(const Json& json, const std::string& path, Status& status) {
  TaskSpec task;
  ObjectReader reader(json, path, status);
  reader.String("name", task.name, /*required=*/true);
  reader.Enum("operator", kOperators, task.op, /*required=*/true);
  reader.String("command", task.command);
  reader.Enum("on_alive", kOnAlive, task.on_alive);
  reader.Integer("max_pending_starts", task.max_pending_starts);
  reader.Bool("optional", task.optional);
  reader.Duration("stop_grace_ms", task.stop_grace);
  reader.Integer("retries", task.retry.retries);
  reader.Duration("retry_delay_ms", task.retry.delay);
  reader.Bool("retry_exponential_backoff", task.retry.exponential);
  reader.Duration("max_retry_delay_ms", task.retry.max_delay);
  reader.Duration("execution_timeout_ms", task.execution_timeout);
  reader.Duration("queue_timeout_ms", task.queue_timeout);
  reader.Duration("start_timeout_ms", task.start_timeout);
  reader.String("periodic_expression", task.periodic);
  reader.Enum("overlap", kOverlaps, task.overlap);
  reader.Enum("catchup", kCatchUps, task.catchup);
  reader.String("pool", task.pool);
  reader.Integer("pool_slots", task.pool_slots);
  reader.Integer("priority", task.priority);
  reader.Object("env", [&](const std::string& name, const Json& value) {
    if (!value.is_string()) {
      return reader.Fail(reader.Path("env") + "." + name, "must be a string", value);
    }
    task.env[name] = value.get<std::string>();
  });
  reader.Array("rules", [&](const Json& rule_json, const std::string& rule_path) {
    RuleSpec rule;
    ObjectReader rule_reader(rule_json, rule_path, status);
    rule_reader.Enum("action", kActions, rule.action, /*required=*/true);
    if (const Json* condition = rule_reader.Take("condition", /*required=*/true)) {
      rule.condition = ReadCondition(*condition, rule_path + ".condition", 1, status);
    }
    rule_reader.RefuseOthers();
    task.rules.push_back(std::move(rule));
  });
  reader.RefuseOthers();
  return task;
}

ParamSpec ReadParam(const Json& json, const std::string& path, Status& status) {
  ParamSpec param;
  ObjectReader reader(json, path, status);
  reader.String("name", param.name, /*required=*/true);
  reader.Enum("type", kParamTypes, param.type);
  if (const Json* value = reader.Take("default")) param.default_json = Text(*value);
  reader.String("description", param.description);
  reader.RefuseOthers();
  return param;
}

HookSpec ReadHook(const Json& json, const std::string& path, Status& status) {
  HookSpec hook;
  ObjectReader reader(json, path, status);
  reader.Bool("on_failure", hook.on_failure);
  reader.Bool("on_success", hook.on_success);
  reader.String("command", hook.command);
  reader.String("url", hook.url);
  reader.RefuseOthers();
  return hook;
}

void ReadHost(const Json& json, HostSpec& host, Status& status) {
  ObjectReader reader(json, "$.host", status);
  reader.String("language", host.language);
  reader.String("file", host.file);
  reader.String("interpreter", host.interpreter);
  reader.String("version", host.version);
  reader.String("sdk_version", host.sdk_version);
  reader.RefuseOthers();
}

OrderedJson Parsed(const std::string& text) {
  // A text that is no JSON (ValidateWorkflowSpec refuses it) is kept as a string.
  OrderedJson parsed = OrderedJson::parse(text, nullptr, /*allow_exceptions=*/false);
  return parsed.is_discarded() ? OrderedJson(text) : parsed;
}

OrderedJson WriteFilter(const FilterSpec& filter) {
  OrderedJson json;
  json["field"] = NameOf(kFilterFields, filter.field);
  if (filter.pointer.has_value()) json["pointer"] = *filter.pointer;
  if (!filter.one_of.empty()) {
    json["one_of"] = OrderedJson::array();
    for (const std::string& value : filter.one_of) json["one_of"].push_back(Parsed(value));
  }
  if (filter.min.has_value()) json["min"] = *filter.min;
  if (filter.max.has_value()) json["max"] = *filter.max;
  return json;
}

OrderedJson WriteCondition(const ConditionSpec& condition) {
  OrderedJson json;
  json["type"] = NameOf(kConditions, condition.kind);
  switch (condition.kind) {
    case ConditionKind::kEvent:
      json["key"] = condition.key;
      if (condition.scope != EventScope::kAny) json["scope"] = NameOf(kScopes, condition.scope);
      if (!condition.filters.empty()) {
        json["filters"] = OrderedJson::array();
        for (const FilterSpec& filter : condition.filters) {
          json["filters"].push_back(WriteFilter(filter));
        }
      }
      break;
    case ConditionKind::kTaskStatus:
      json["namespace"] = condition.ns;
      json["workflow"] = condition.workflow;
      json["task"] = condition.task;
      json["status"] = NameOf(kStatuses, condition.status);
      break;
    case ConditionKind::kCustom:
      json["name"] = condition.name;
      json["event_keys"] = condition.event_keys;
      break;
    case ConditionKind::kAllOf: json["name"] = condition.name; [[fallthrough]];
    case ConditionKind::kAnyOf:
    case ConditionKind::kAllTaskStatus:
      json["conditions"] = OrderedJson::array();
      for (const ConditionSpec& child : condition.children) {
        json["conditions"].push_back(WriteCondition(child));
      }
      break;
  }
  return json;
}

/// Writes the members that differ from the defaults, which are those of a default-made TaskSpec.
void WriteTimes(const TaskSpec& task, OrderedJson& json) {
  const TaskSpec defaults;
  const auto put = [&json](const char* name, const auto& value, const auto& standard) {
    if (value != standard) json[name] = value;
  };
  put("retries", task.retry.retries, int64_t{0});
  put("retry_delay_ms", task.retry.delay.count(), int64_t{0});
  put("retry_exponential_backoff", task.retry.exponential, false);
  put("max_retry_delay_ms", task.retry.max_delay.count(), int64_t{0});
  put("execution_timeout_ms", task.execution_timeout.count(), int64_t{0});
  put("queue_timeout_ms", task.queue_timeout.count(), int64_t{0});
  put("start_timeout_ms", task.start_timeout.count(), defaults.start_timeout.count());
  put("periodic_expression", task.periodic, std::string());
  put("overlap", NameOf(kOverlaps, task.overlap), NameOf(kOverlaps, defaults.overlap));
  put("catchup", NameOf(kCatchUps, task.catchup), NameOf(kCatchUps, defaults.catchup));
  put("pool", task.pool, std::string());
  put("pool_slots", task.pool_slots, int64_t{1});
  put("priority", task.priority, int64_t{0});
}

OrderedJson WriteTask(const TaskSpec& task) {
  OrderedJson json;
  json["name"] = task.name;
  json["operator"] = NameOf(kOperators, task.op);
  if (!task.command.empty()) json["command"] = task.command;
  json["on_alive"] = NameOf(kOnAlive, task.on_alive);
  json["max_pending_starts"] = task.max_pending_starts;
  json["optional"] = task.optional;
  json["stop_grace_ms"] = task.stop_grace.count();
  WriteTimes(task, json);
  if (!task.env.empty()) json["env"] = task.env;
  json["rules"] = OrderedJson::array();
  for (const RuleSpec& rule : task.rules) {
    OrderedJson rule_json;
    rule_json["action"] = NameOf(kActions, rule.action);
    rule_json["condition"] = WriteCondition(rule.condition);
    json["rules"].push_back(std::move(rule_json));
  }
  return json;
}

OrderedJson WriteHost(const HostSpec& host) {
  OrderedJson json;
  json["language"] = host.language;
  json["file"] = host.file;
  json["interpreter"] = host.interpreter;
  json["version"] = host.version;
  json["sdk_version"] = host.sdk_version;
  return json;
}

OrderedJson WriteParam(const ParamSpec& param) {
  OrderedJson json;
  json["name"] = param.name;
  json["type"] = NameOf(kParamTypes, param.type);
  if (!param.default_json.empty()) json["default"] = Parsed(param.default_json);
  if (!param.description.empty()) json["description"] = param.description;
  return json;
}

OrderedJson WriteHook(const HookSpec& hook) {
  OrderedJson json;
  json["on_failure"] = hook.on_failure;
  json["on_success"] = hook.on_success;
  if (!hook.command.empty()) json["command"] = hook.command;
  if (!hook.url.empty()) json["url"] = hook.url;
  return json;
}

/// Members of a workflow that version 1 did not have.
void WriteLimits(const WorkflowSpec& spec, OrderedJson& json) {
  if (spec.execution_timeout != Millis(0)) {
    json["execution_timeout_ms"] = spec.execution_timeout.count();
  }
  if (spec.max_active_executions != 0) json["max_active_executions"] = spec.max_active_executions;
  if (spec.concurrency != 0) json["concurrency"] = spec.concurrency;
  if (!spec.timezone.empty()) json["timezone"] = spec.timezone;
  for (const ParamSpec& param : spec.params) json["params"].push_back(WriteParam(param));
  for (const HookSpec& hook : spec.hooks) json["hooks"].push_back(WriteHook(hook));
}

Result<Json> ParseJson(std::string_view text, const char* what) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return Error(Code::kInvalidArgument, std::string(what) + ": not valid JSON");
  }
  return json;
}

}  // namespace

Result<ConditionSpec> ParseCondition(std::string_view text) {
  const Result<Json> json = ParseJson(text, "condition");
  if (!json.has_value()) return Error(json.error());
  Status status;
  ConditionSpec condition = ReadCondition(*json, "$", 1, status);
  if (!status.ok()) return Error(std::move(status));
  return condition;
}

std::string FormatCondition(const ConditionSpec& condition) {
  return WriteCondition(condition).dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

Result<HostSpec> ParseHost(std::string_view text) {
  if (text.empty()) return HostSpec{};
  const Result<Json> json = ParseJson(text, "host");
  if (!json.has_value()) return Error(json.error());
  HostSpec host;
  Status status;
  ReadHost(*json, host, status);
  if (!status.ok()) return Error(std::move(status));
  return host;
}

std::string FormatHost(const HostSpec& host) {
  if (host == HostSpec{}) return {};
  return WriteHost(host).dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

Result<WorkflowSpec> ParseWorkflowSpec(std::string_view text) {
  if (text.size() > limits::kMaxSpecBytes) {
    return Error(Code::kInvalidArgument, "workflow specification: " + std::to_string(text.size()) +
                                             " bytes are over the limit of " +
                                             std::to_string(limits::kMaxSpecBytes));
  }
  const Result<Json> parsed = ParseJson(text, "workflow specification");
  if (!parsed.has_value()) return Error(parsed.error());
  const Json& json = *parsed;
  WorkflowSpec spec;
  Status status;
  ObjectReader reader(json, "$", status);
  int64_t version = 0;
  reader.Take("version", /*required=*/true);
  reader.Integer("version", version);
  if (status.ok() && (version < 1 || version > kWorkflowSpecVersion)) {
    reader.Fail("$.version",
                "is not supported here: this server reads versions 1 to " +
                    std::to_string(kWorkflowSpecVersion),
                json["version"]);
  }
  reader.String("namespace", spec.ns);
  reader.String("name", spec.name, /*required=*/true);
  reader.Bool("keep_open", spec.keep_open);
  reader.Duration("execution_timeout_ms", spec.execution_timeout);
  reader.Integer("max_active_executions", spec.max_active_executions);
  reader.Integer("concurrency", spec.concurrency);
  reader.String("timezone", spec.timezone);
  reader.Array("params", [&](const Json& param, const std::string& path) {
    spec.params.push_back(ReadParam(param, path, status));
  });
  reader.Array("hooks", [&](const Json& hook, const std::string& path) {
    spec.hooks.push_back(ReadHook(hook, path, status));
  });
  if (const Json* host = reader.Take("host")) ReadHost(*host, spec.host, status);
  reader.Object("config", [&spec](const std::string& name, const Json& value) {
    spec.config[name] = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  });
  reader.Array(
      "tasks",
      [&](const Json& task, const std::string& path) {
        spec.tasks.push_back(ReadTask(task, path, status));
      },
      /*required=*/true);
  reader.RefuseOthers();
  if (!status.ok()) return Error(std::move(status));
  return spec;
}

std::string FormatWorkflowSpec(const WorkflowSpec& spec) {
  OrderedJson json;
  json["version"] = kWorkflowSpecVersion;
  json["namespace"] = spec.ns;
  json["name"] = spec.name;
  json["keep_open"] = spec.keep_open;
  WriteLimits(spec, json);
  if (spec.host != HostSpec{}) json["host"] = WriteHost(spec.host);
  if (!spec.config.empty()) {
    OrderedJson config;
    for (const auto& [name, value] : spec.config) config[name] = Parsed(value);
    json["config"] = std::move(config);
  }
  json["tasks"] = OrderedJson::array();
  for (const TaskSpec& task : spec.tasks) json["tasks"].push_back(WriteTask(task));
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace aiflow
