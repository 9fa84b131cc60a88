#include <string>
#include <utility>

#include "model/json_depth.h"
#include "model/limits.h"
#include "model/spec_json.h"
#include "model/spec_json/condition_json.h"
#include "model/spec_json/object_reader.h"
#include "model/spec_json/task_json.h"

namespace aiflow {
namespace {

using spec_json::Json;
using spec_json::NameOf;
using spec_json::ObjectReader;
using spec_json::OrderedJson;
using spec_json::Parsed;
using spec_json::Text;

ParamSpec ReadParam(const Json& json, const std::string& path, Status& status) {
  ParamSpec param;
  ObjectReader reader(json, path, status);
  reader.String("name", param.name, /*required=*/true);
  reader.Enum("type", spec_json::kParamTypes, param.type);
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
  json["type"] = NameOf(spec_json::kParamTypes, param.type);
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

/// The error with the document it is in.
Status Of(const char* what, const Status& status) {
  return {status.code(), std::string(what) + ": " + status.message()};
}

Result<Json> ParseJson(std::string_view text, const char* what) {
  if (IsDeeperJson(text, limits::kMaxJsonDepth)) {
    return Error(Code::kInvalidArgument, std::string(what) + ": is nested deeper than " +
                                             std::to_string(limits::kMaxJsonDepth) + " levels");
  }
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
  ConditionSpec condition = spec_json::ReadCondition(*json, "$", 1, status);
  if (!status.ok()) return Error(Of("condition", status));
  return condition;
}

std::string FormatCondition(const ConditionSpec& condition) {
  return spec_json::WriteCondition(condition).dump(-1, ' ', false,
                                                   OrderedJson::error_handler_t::replace);
}

Result<HostSpec> ParseHost(std::string_view text) {
  if (text.empty()) return HostSpec{};
  const Result<Json> json = ParseJson(text, "host");
  if (!json.has_value()) return Error(json.error());
  HostSpec host;
  Status status;
  ReadHost(*json, host, status);
  if (!status.ok()) return Error(Of("host", status));
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
    spec.config[name] = Text(value);
  });
  reader.Array(
      "tasks",
      [&](const Json& task, const std::string& path) {
        spec.tasks.push_back(spec_json::ReadTask(task, path, status));
      },
      /*required=*/true);
  reader.RefuseOthers();
  if (!status.ok()) return Error(Of("workflow specification", status));
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
    // Appended, as the assignment by name searches an ordered object from its begin.
    OrderedJson::object_t config;
    for (const auto& [name, value] : spec.config) config.emplace_back(name, Parsed(value));
    json["config"] = std::move(config);
  }
  json["tasks"] = OrderedJson::array();
  for (const TaskSpec& task : spec.tasks) json["tasks"].push_back(spec_json::WriteTask(task));
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace aiflow
