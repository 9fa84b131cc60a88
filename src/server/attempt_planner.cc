#include "server/attempt_planner.h"

#include <filesystem>
#include <map>
#include <utility>

#include "server/attempt_inputs.h"
#include "server/env_file.h"

namespace aiflow::server {
namespace {

// The last act of a bash task is to write its result, for the case that its runner is gone by then.
// Builtins only: a process more would cost each task a millisecond.
//
// Killed by a signal, bash runs the EXIT trap too, and then $? is that of the command before: 0 as
// a rule. So a 0 counts only at an orderly end, when the command being executed is the `exit` below
// or, after an `exit` of the task's own, the `eval`. The `:` takes that place away from the `eval`
// as soon as the task's commands begin. All on one line, so that $LINENO counts the task's lines.
constexpr char kPrelude[] =
    "trap 'case $?$BASH_COMMAND in 0exit|0eval*aiflow_command\\\"|[1-9]*) "
    "echo $? >\"$AIFLOW_RESULT_FILE\";; esac' EXIT; "
    "aiflow_command=$1; shift; eval \": ;$aiflow_command\"; exit";

// One environment variable of a process may have 128 KiB.
constexpr size_t kMaxVariableBytes = 64 << 10;

void PlanCause(const TaskExecutionRow& run, const Event& cause, AttemptSpec* plan) {
  if (run.cause_offset > 0) plan->env["AIFLOW_EVENT_OFFSET"] = std::to_string(run.cause_offset);
  if (cause.offset == 0) return;
  plan->env["AIFLOW_EVENT_KEY"] = cause.key;
  plan->env["AIFLOW_EVENT_CREATE_TIME"] = std::to_string(cause.create_time.count());
  if (!cause.sender.empty()) plan->env["AIFLOW_EVENT_SENDER"] = cause.sender;
  // A variable cannot hold a zero byte.
  if (cause.value.size() > kMaxVariableBytes || cause.value.find('\0') != std::string::npos) {
    plan->files["AIFLOW_EVENT_VALUE_FILE"] = cause.value;
  } else {
    plan->env["AIFLOW_EVENT_VALUE"] = cause.value;
  }
  if (!cause.context.empty()) plan->files["AIFLOW_EVENT_CONTEXT_FILE"] = cause.context;
}

}  // namespace

Status LocalAttemptPlanner::PlanCommand(const SnapshotRow& snapshot, const TaskSpec& task,
                                        const std::string& bundle_dir, AttemptSpec* plan) {
  if (task.op == OperatorKind::kBash) {
    plan->argv = {"bash", "-c", kPrelude, "bash", task.command};
    plan->signal_group = true;
    return Status::Ok();
  }
  const HostSpec& host = snapshot.spec->host;
  const std::string file = (std::filesystem::path(bundle_dir) / host.file).string();
  std::error_code error;
  if (bundle_dir.empty() || !std::filesystem::is_regular_file(file, error)) {
    return {Code::kFailedPrecondition, "the bundle of snapshot " +
                                           std::to_string(snapshot.id.value()) + " has no file " +
                                           host.file};
  }
  plan->signal_group = false;
  if (host.language == "cpp") {
    plan->argv = {file, "--aiflow-run-task"};
    return Status::Ok();
  }
  if (host.language != "python") {
    return {Code::kUnimplemented, "no host for the language " + host.language};
  }
  Result<std::string> interpreter = python_.For(host);
  if (!interpreter.has_value()) return interpreter.error();
  plan->argv = {*std::move(interpreter), "-m", "ai_flow.host", "run-task", file};
  // Output appears in the log when it is written, not when a buffer is full.
  plan->env["PYTHONUNBUFFERED"] = "1";
  return Status::Ok();
}

Result<AttemptSpec> LocalAttemptPlanner::Plan(const WorkflowRow& workflow,
                                              const SnapshotRow& snapshot,
                                              const TaskExecutionRow& run, const Event& cause,
                                              const AttemptInputs& inputs) {
  if (snapshot.spec == nullptr) {
    return Error(Code::kFailedPrecondition, "snapshot " + std::to_string(snapshot.id.value()) +
                                                " has no compiled specification");
  }
  const TaskSpec& task = snapshot.spec->tasks.at(static_cast<size_t>(run.task));
  AttemptSpec plan;
  plan.key = run.attempt();
  plan.stop_grace = task.stop_grace;
  plan.working_dir = home_.WorkingDir(workflow, run.execution_id).string();
  plan.log_link = home_.LogLink(workflow, run).string();
  plan.ns = workflow.ns;
  plan.workflow = workflow.name;
  plan.task = run.task_name;

  std::string& bundle_dir = plan.bundle_dir;
  if (!snapshot.bundle_digest.empty()) {
    const Result<std::filesystem::path> unpacked = bundles_.Get(snapshot.bundle_digest);
    if (!unpacked.has_value()) return Error(unpacked.error());
    bundle_dir = (*unpacked / snapshot.bundle_name).string();
  }

  // A file that cannot be used is no error of the plan: the attempt is then refused under its
  // claim, also after a restart of the server.
  Result<EnvFileVariables> files = ReadEnvFiles(task.env_files, home_.root());
  if (!files.has_value()) {
    plan.refusal = "cannot start: " + files.error().message();
    return plan;
  }
  plan.env = task.env;
  plan.env.merge(std::move(files->values));
  plan.secrets = std::move(files->secrets);
  const std::map<std::string, std::string> own = {
      {"AIFLOW_HOME", home_.root().string()},
      {"AIFLOW_NAMESPACE", workflow.ns},
      {"AIFLOW_WORKFLOW", workflow.name},
      {"AIFLOW_TASK", run.task_name},
      {"AIFLOW_WORKFLOW_EXECUTION_ID", std::to_string(run.execution_id.value())},
      {"AIFLOW_SEQUENCE_NUMBER", std::to_string(run.sequence)},
      {"AIFLOW_TRY_NUMBER", std::to_string(run.try_number)},
      {"AIFLOW_ATTEMPT_KEY", plan.key.ToString()},
      {"AIFLOW_ATTEMPT_TOKEN", tokens_.TokenOf(plan.key)},
      {"AIFLOW_NOTIFICATION_URI", addresses_.notification_uri},
      {"AIFLOW_SERVER_URI", addresses_.server_uri},
      {"AIFLOW_WORKING_DIR", plan.working_dir},
      {"AIFLOW_BUNDLE_DIR", bundle_dir},
  };
  // The task's own variables never hide these.
  for (const auto& [name, value] : own) plan.env[name] = value;
  PlanInputs(inputs, &plan);
  PlanCause(run, cause, &plan);
  if (Status status = PlanCommand(snapshot, task, bundle_dir, &plan); !status.ok()) {
    return Error(std::move(status));
  }
  return plan;
}

}  // namespace aiflow::server
