#include "model/validation/task_check.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "calendar/recurrence.h"
#include "model/limits.h"
#include "model/spec_json.h"

namespace aiflow::validation {
namespace {

/// An empty operator has no process, so nothing about processes means anything.
void CheckEmptyOperator(const std::string& subject, const TaskSpec& task, Problems& problems) {
  if (!task.command.empty()) problems.Add(subject + " is empty and has a command");
  if (!task.pool.empty()) {
    problems.Add(subject + " is empty and has a pool: it takes no slot of any");
  }
  if (!task.executor.empty()) {
    problems.Add(subject + " is empty and has an executor: nothing of it runs anywhere");
  }
  const TaskSpec standard;
  std::string useless;
  const auto note = [&useless](bool is_set, const char* name) {
    if (is_set) useless += (useless.empty() ? "" : ", ") + std::string(name);
  };
  note(task.retry != standard.retry, "retries");
  note(task.execution_timeout != standard.execution_timeout, "execution_timeout_ms");
  note(task.queue_timeout != standard.queue_timeout, "queue_timeout_ms");
  note(task.start_timeout != standard.start_timeout, "start_timeout_ms");
  note(task.priority != standard.priority, "priority");
  note(!task.env.empty(), "env");
  note(!task.env_files.empty(), "env_file");
  if (!useless.empty()) {
    problems.Warn(subject + " is empty and runs no process: " + useless + " changes nothing");
  }
}

void CheckOperator(const std::string& subject, const WorkflowSpec& spec, const TaskSpec& task,
                   Problems& problems) {
  switch (task.op) {
    case OperatorKind::kEmpty: return CheckEmptyOperator(subject, task, problems);
    case OperatorKind::kHost:
      if (spec.host.language.empty()) {
        problems.Add(subject + " needs a host, and the workflow names none");
      }
      if (!task.command.empty()) problems.Warn(subject + " runs code, its command is not used");
      break;
    case OperatorKind::kBash:
      if (task.command.empty()) problems.Add(subject + " has no command");
      break;
  }
  if (HasNul(task.command)) problems.Add(subject + " has a NUL byte in its command");
  if (task.command.size() > limits::kMaxCommandBytes) {
    problems.Add(subject + " has a command of " + std::to_string(task.command.size()) +
                 " bytes, the limit is " + std::to_string(limits::kMaxCommandBytes) +
                 ": put it into a file of the bundle");
  }
}

/// What the server sets for each attempt: docs/formats/task-environment.md.
bool IsReserved(std::string_view variable) {
  constexpr std::string_view kPrefix = "AIFLOW_";
  if (!variable.starts_with(kPrefix)) return false;
  const std::string_view rest = variable.substr(kPrefix.size());
  if (rest.starts_with("PARAM_") || rest.starts_with("OUTPUT_")) return true;
  constexpr std::array<std::string_view, 24> kNames = {
      "NAMESPACE",          "WORKFLOW",         "TASK",         "WORKFLOW_EXECUTION_ID",
      "SEQUENCE_NUMBER",    "TRY_NUMBER",       "ATTEMPT_KEY",  "ATTEMPT_TOKEN",
      "EVENT_KEY",          "EVENT_VALUE",      "EVENT_OFFSET", "EVENT_VALUE_FILE",
      "EVENT_CONTEXT_FILE", "NOTIFICATION_URI", "SERVER_URI",   "WORKING_DIR",
      "BUNDLE_DIR",         "ATTEMPT_DIR",      "LOG_FILE",     "RESULT_FILE",
      "DUE_TIME",           "PARAMS_FILE",      "OUTPUT",       "OUTPUTS_FILE"};
  return std::find(kNames.begin(), kNames.end(), rest) != kNames.end();
}

void CheckEnv(const std::string& subject, const TaskSpec& task, Problems& problems) {
  size_t total = 0;
  for (const auto& [name, value] : task.env) {
    if (name.empty() || name.find('=') != std::string::npos || HasNul(name) || HasNul(value)) {
      problems.Add(subject + " has the impossible environment variable '" + name + "'");
    } else if (IsReserved(name)) {
      problems.Add(subject + ": env may not set " + name + ", which the server sets");
    }
    const size_t bytes = name.size() + 1 + value.size();
    if (bytes > limits::kMaxCommandBytes) {
      problems.Add(subject + ": environment variable '" + name + "' has " + std::to_string(bytes) +
                   " bytes, the limit is " + std::to_string(limits::kMaxCommandBytes));
    }
    total += bytes;
  }
  if (total > limits::kMaxEnvBytes) {
    problems.Add(subject + ": env has " + std::to_string(total) + " bytes, the limit is " +
                 std::to_string(limits::kMaxEnvBytes));
  }
}

void CheckEnvFiles(const std::string& subject, const TaskSpec& task, Problems& problems) {
  if (task.env_files.size() > limits::kMaxEnvFiles) {
    problems.Add(subject + ": env_file names " + std::to_string(task.env_files.size()) +
                 " files, the limit is " + std::to_string(limits::kMaxEnvFiles));
  }
  for (const std::string& file : task.env_files) {
    if (file.empty() || HasNul(file) || file.find('\n') != std::string::npos) {
      problems.Add(subject + " has an env_file that is no path");
    } else if (file.size() > limits::kMaxEnvFilePathBytes) {
      problems.Add(subject + ": the path of an env_file has " + std::to_string(file.size()) +
                   " bytes, the limit is " + std::to_string(limits::kMaxEnvFilePathBytes));
    }
  }
}

void CheckTimes(const std::string& subject, const TaskSpec& task, Problems& problems) {
  const auto duration = [&](const char* name, Millis value) {
    CheckRange(subject, name, value.count(), 0, limits::kMaxDurationMs, problems);
  };
  duration("stop_grace_ms", task.stop_grace);
  duration("execution_timeout_ms", task.execution_timeout);
  duration("queue_timeout_ms", task.queue_timeout);
  duration("start_timeout_ms", task.start_timeout);
  const RetrySpec& retry = task.retry;
  duration("retry_delay_ms", retry.delay);
  duration("max_retry_delay_ms", retry.max_delay);
  CheckRange(subject, "retries", retry.retries, 0, limits::kMaxRetries, problems);
  if (retry.retries == 0) {
    RetrySpec none;
    if (retry != none) {
      problems.Warn(subject + " says how to retry but not how often: set retries");
    }
    return;
  }
  if (retry.max_delay != Millis(0) && !retry.exponential) {
    problems.Warn(subject +
                  ": max_retry_delay_ms bounds delays that grow; set "
                  "retry_exponential_backoff");
  } else if (retry.max_delay != Millis(0) && retry.max_delay < retry.delay) {
    problems.Warn(subject + ": max_retry_delay_ms is less than retry_delay_ms, which it bounds");
  }
}

void CheckPool(const std::string& subject, const TaskSpec& task, Problems& problems) {
  CheckRange(subject, "pool_slots", task.pool_slots, 1, limits::kMaxPoolSlots, problems);
  if (task.pool.empty()) {
    if (task.pool_slots != 1) problems.Warn(subject + " has pool_slots but no pool");
    return;
  }
  problems.AddError(subject + ": ", ValidateName("pool", task.pool));
  if (task.pool == kExecutorPool) {
    problems.Add(subject + ": the pool '" + task.pool +
                 "' is the executor's own, every task takes a slot of it; name another");
  }
}

void CheckExecutor(const std::string& subject, const TaskSpec& task, Problems& problems) {
  if (task.executor.empty()) return;
  problems.AddError(subject + ": ", ValidateName("executor", task.executor));
}

void CheckPeriodic(const std::string& subject, const WorkflowSpec& spec, const TaskSpec& task,
                   Problems& problems) {
  const TaskSpec standard;
  if (task.periodic.empty()) {
    if (task.overlap != standard.overlap || task.catchup != standard.catchup) {
      problems.Warn(subject + " is not periodic: overlap and catchup change nothing");
    }
    return;
  }
  if (const auto recurrence = Recurrence::Parse(task.periodic, spec.timezone); !recurrence) {
    problems.Add(subject + ": " + recurrence.error().message());
  }
  if (std::any_of(task.rules.begin(), task.rules.end(),
                  [](const RuleSpec& rule) { return rule.action == TaskAction::kStart; })) {
    problems.Warn(subject + " is periodic and has a START rule: either starts it");
  }
}

void CheckRuleCounts(const std::string& subject, const TaskSpec& task, Problems& problems) {
  if (task.rules.size() > limits::kMaxRulesPerTask) {
    problems.Add(subject + ": " + std::to_string(task.rules.size()) +
                 " rules are over the limit of " + std::to_string(limits::kMaxRulesPerTask));
  }
  const auto joins = std::count_if(task.rules.begin(), task.rules.end(), [](const RuleSpec& rule) {
    return rule.action == TaskAction::kStart &&
           rule.condition.kind == ConditionKind::kAllTaskStatus;
  });
  if (joins > 1) {
    problems.Warn(subject + " has " + std::to_string(joins) +
                  " START rules over task statuses (start_after called more than once): any one of "
                  "them starts it; name all tasks in one call if it shall wait for all");
  }
}

}  // namespace

void CheckTask(const WorkflowSpec& spec, const TaskSpec& task, Problems& problems) {
  problems.AddError("", ValidateName("task name", task.name));
  const std::string subject = "task '" + task.name.substr(0, limits::kMaxNameBytes) + "'";
  CheckOperator(subject, spec, task, problems);
  CheckEnv(subject, task, problems);
  CheckEnvFiles(subject, task, problems);
  CheckRange(subject, "max_pending_starts", task.max_pending_starts, 1, limits::kMaxPendingStarts,
             problems);
  CheckTimes(subject, task, problems);
  CheckPool(subject, task, problems);
  CheckExecutor(subject, task, problems);
  CheckPeriodic(subject, spec, task, problems);
  CheckRuleCounts(subject, task, problems);
}

}  // namespace aiflow::validation
