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

constexpr Names<OperatorKind, 2> kOperators = {
    {{"bash", OperatorKind::kBash}, {"host", OperatorKind::kHost}}};
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
    case ConditionKind::kEvent: reader.String("key", condition.key, /*required=*/true); break;
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
  int64_t grace = task.stop_grace.count();
  reader.Integer("stop_grace_ms", grace);
  task.stop_grace = Millis(grace);
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

void ReadHost(const Json& json, HostSpec& host, Status& status) {
  ObjectReader reader(json, "$.host", status);
  reader.String("language", host.language);
  reader.String("file", host.file);
  reader.String("interpreter", host.interpreter);
  reader.String("version", host.version);
  reader.String("sdk_version", host.sdk_version);
  reader.RefuseOthers();
}

OrderedJson WriteCondition(const ConditionSpec& condition) {
  OrderedJson json;
  json["type"] = NameOf(kConditions, condition.kind);
  switch (condition.kind) {
    case ConditionKind::kEvent: json["key"] = condition.key; break;
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

OrderedJson WriteTask(const TaskSpec& task) {
  OrderedJson json;
  json["name"] = task.name;
  json["operator"] = NameOf(kOperators, task.op);
  if (!task.command.empty()) json["command"] = task.command;
  json["on_alive"] = NameOf(kOnAlive, task.on_alive);
  json["max_pending_starts"] = task.max_pending_starts;
  json["optional"] = task.optional;
  json["stop_grace_ms"] = task.stop_grace.count();
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

}  // namespace

Result<WorkflowSpec> ParseWorkflowSpec(std::string_view text) {
  if (text.size() > limits::kMaxSpecBytes) {
    return Error(Code::kInvalidArgument, "workflow specification: " + std::to_string(text.size()) +
                                             " bytes are over the limit of " +
                                             std::to_string(limits::kMaxSpecBytes));
  }
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return Error(Code::kInvalidArgument, "workflow specification: not valid JSON");
  }
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
  if (spec.host != HostSpec{}) {
    OrderedJson host;
    host["language"] = spec.host.language;
    host["file"] = spec.host.file;
    host["interpreter"] = spec.host.interpreter;
    host["version"] = spec.host.version;
    host["sdk_version"] = spec.host.sdk_version;
    json["host"] = std::move(host);
  }
  if (!spec.config.empty()) {
    OrderedJson config;
    for (const auto& [name, value] : spec.config) {
      // A text that is no JSON (ValidateWorkflowSpec refuses it) is kept as a string.
      OrderedJson parsed = OrderedJson::parse(value, nullptr, /*allow_exceptions=*/false);
      config[name] = parsed.is_discarded() ? OrderedJson(value) : std::move(parsed);
    }
    json["config"] = std::move(config);
  }
  json["tasks"] = OrderedJson::array();
  for (const TaskSpec& task : spec.tasks) json["tasks"].push_back(WriteTask(task));
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace aiflow
