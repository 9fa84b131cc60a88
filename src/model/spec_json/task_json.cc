#include "model/spec_json/task_json.h"

#include <utility>

#include "model/spec_json/condition_json.h"

namespace aiflow::spec_json {
namespace {

RuleSpec ReadRule(const Json& json, const std::string& path, Status& status) {
  RuleSpec rule;
  ObjectReader reader(json, path, status);
  reader.Enum("action", kActions, rule.action, /*required=*/true);
  if (const Json* condition = reader.Take("condition", /*required=*/true)) {
    rule.condition = ReadCondition(*condition, path + ".condition", 1, status);
  }
  reader.RefuseOthers();
  return rule;
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
  put("executor", task.executor, std::string());
  put("pool", task.pool, std::string());
  put("pool_slots", task.pool_slots, int64_t{1});
  put("priority", task.priority, int64_t{0});
}

}  // namespace

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
  reader.String("executor", task.executor);
  reader.String("pool", task.pool);
  reader.Integer("pool_slots", task.pool_slots);
  reader.Integer("priority", task.priority);
  reader.Object("env", [&](const std::string& name, const Json& value) {
    if (!value.is_string()) {
      return reader.Fail(reader.Path("env") + "." + name, "must be a string", value);
    }
    task.env[name] = value.get<std::string>();
  });
  reader.Array("env_file", [&](const Json& file, const std::string& file_path) {
    if (!file.is_string()) return reader.Fail(file_path, "must be a string", file);
    task.env_files.push_back(file.get<std::string>());
  });
  reader.Array("rules", [&](const Json& rule, const std::string& rule_path) {
    task.rules.push_back(ReadRule(rule, rule_path, status));
  });
  reader.RefuseOthers();
  return task;
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
  if (!task.env_files.empty()) json["env_file"] = task.env_files;
  json["rules"] = OrderedJson::array();
  for (const RuleSpec& rule : task.rules) {
    OrderedJson rule_json;
    rule_json["action"] = NameOf(kActions, rule.action);
    rule_json["condition"] = WriteCondition(rule.condition);
    json["rules"].push_back(std::move(rule_json));
  }
  return json;
}

}  // namespace aiflow::spec_json
