#include "model/validation/workflow_check.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_set>

#include "calendar/time_zone.h"
#include "model/limits.h"
#include "model/params.h"
#include "model/spec_json.h"

namespace aiflow::validation {
namespace {

using Json = nlohmann::json;
constexpr auto kReplace = Json::error_handler_t::replace;

bool IsPathInside(const std::string& path) {
  if (path.empty() || path.front() == '/' || HasNul(path)) return false;
  return ("/" + path + "/").find("/../") == std::string::npos;
}

void CheckHost(const HostSpec& host, Problems& problems) {
  if (host.language.empty()) return;
  if (host.language != "python" && host.language != "cpp") {
    problems.Add("host language '" + host.language + "' is not known (python, cpp)");
  }
  if (!IsPathInside(host.file)) {
    problems.Add("host file '" + host.file + "' is not a relative path inside the bundle");
  }
}

void CheckLimits(const WorkflowSpec& spec, Problems& problems) {
  const auto not_negative = [&problems](const char* name, int64_t value) {
    if (value < 0) problems.Add(std::string(name) + " " + std::to_string(value) + " is negative");
  };
  not_negative("max_active_executions", spec.max_active_executions);
  not_negative("concurrency", spec.concurrency);
  CheckRange("workflow", "execution_timeout_ms", spec.execution_timeout.count(), 0,
             limits::kMaxDurationMs, problems);
  if (spec.timezone.empty()) return;
  if (const auto zone = TimeZone::Find(spec.timezone); !zone) problems.Add(zone.error().message());
}

/// [A-Za-z_][A-Za-z0-9_]*: it becomes a part of the name of an environment variable.
bool IsParamName(std::string_view name) {
  const auto is_word = [](unsigned char c) {
    return (std::isalnum(c) != 0 && c < 0x80) || c == '_';
  };
  return !name.empty() && name.size() <= limits::kMaxNameBytes &&
         std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
         std::all_of(name.begin(), name.end(), is_word);
}

void CheckParam(const ParamSpec& param, Problems& problems) {
  const std::string subject = "param '" + param.name.substr(0, limits::kMaxNameBytes) + "'";
  if (!IsParamName(param.name)) {
    problems.Add(subject + " is not a name: 1 to " + std::to_string(limits::kMaxNameBytes) +
                 " of A-Z, a-z, 0-9 and _, and no digit first");
  }
  if (param.default_json.empty()) return;
  if (!Json::accept(param.default_json)) {
    return problems.Add(subject + ": the default '" + param.default_json.substr(0, 60) +
                        "' is not JSON");
  }
  // A default must be what could be given.
  const std::string given =
      "{" + Json(param.name).dump(-1, ' ', false, kReplace) + ":" + param.default_json + "}";
  if (const auto resolved = ResolveParams({{param.name, param.type}}, given); !resolved) {
    problems.Add(subject + ": the default: " + resolved.error().message());
  }
}

void CheckParams(const WorkflowSpec& spec, Problems& problems) {
  if (spec.params.size() > limits::kMaxParams) {
    problems.Add(std::to_string(spec.params.size()) + " params are over the limit of " +
                 std::to_string(limits::kMaxParams));
  }
  std::unordered_set<std::string> variables;
  size_t bytes = 0;
  for (const ParamSpec& param : spec.params) {
    CheckParam(param, problems);
    bytes += param.name.size() + param.default_json.size();
    std::string variable = param.name;
    for (char& c : variable) {
      c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    if (!variables.insert(std::move(variable)).second) {
      problems.Add("param '" + param.name + "' is there twice: case does not count, as the " +
                   "environment variables of tasks have upper case");
    }
  }
  if (bytes > limits::kMaxParamsBytes) {
    problems.Add("params have " + std::to_string(bytes) + " bytes, the limit is " +
                 std::to_string(limits::kMaxParamsBytes));
  }
}

/// http:// or https://, a host, and nothing that cannot stand in a URL.
bool IsHttpUrl(std::string_view url) {
  const size_t scheme = url.starts_with("http://")    ? std::string_view("http://").size()
                        : url.starts_with("https://") ? std::string_view("https://").size()
                                                      : 0;
  if (scheme == 0 || scheme == url.size() || url[scheme] == '/' || url[scheme] == ':') return false;
  return url.size() <= limits::kMaxUrlBytes &&
         std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c != 0x7f; });
}

void CheckHooks(const WorkflowSpec& spec, Problems& problems) {
  if (spec.hooks.size() > limits::kMaxHooks) {
    problems.Add(std::to_string(spec.hooks.size()) + " hooks are over the limit of " +
                 std::to_string(limits::kMaxHooks));
  }
  for (size_t i = 0; i < spec.hooks.size(); ++i) {
    const HookSpec& hook = spec.hooks[i];
    const std::string subject = "hook " + std::to_string(i + 1);
    if (hook.command.empty() == hook.url.empty()) {
      problems.Add(subject + " must have either a command or a url");
    }
    if (!hook.on_failure && !hook.on_success) {
      problems.Add(subject + " is for nothing: set on_failure or on_success");
    }
    if (HasNul(hook.command)) problems.Add(subject + " has a NUL byte in its command");
    if (hook.command.size() > limits::kMaxCommandBytes) {
      problems.Add(subject + " has a command of " + std::to_string(hook.command.size()) +
                   " bytes, the limit is " + std::to_string(limits::kMaxCommandBytes));
    }
    if (!hook.url.empty() && !IsHttpUrl(hook.url)) {
      problems.Add(subject + ": '" + hook.url.substr(0, 100) +
                   "' is not an http:// or https:// URL of at most " +
                   std::to_string(limits::kMaxUrlBytes) + " ASCII characters without blanks");
    }
  }
}

}  // namespace

void CheckWorkflow(const WorkflowSpec& spec, Problems& problems) {
  problems.AddError("", ValidateName("namespace", spec.ns));
  if (IsReservedNamespace(spec.ns)) {
    problems.Add("namespace '" + spec.ns + "' is reserved; write 'default'");
  }
  problems.AddError("", ValidateName("workflow name", spec.name));
  if (spec.tasks.empty()) problems.Add("it has no task");
  if (spec.tasks.size() > limits::kMaxTasksPerWorkflow) {
    problems.Add(std::to_string(spec.tasks.size()) + " tasks are over the limit of " +
                 std::to_string(limits::kMaxTasksPerWorkflow));
  }
  CheckLimits(spec, problems);
  CheckHost(spec.host, problems);
  CheckParams(spec, problems);
  CheckHooks(spec, problems);
  for (const auto& [name, value] : spec.config) {
    if (!Json::accept(value)) problems.Add("config '" + name + "' is not a JSON value");
  }
}

}  // namespace aiflow::validation
