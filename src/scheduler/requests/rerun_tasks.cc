#include <set>
#include <string>

#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"
#include "scheduler/task_actions.h"

namespace aiflow {
namespace {

constexpr const char* kRefused = "Rerun failed. ";

std::string ExecutionText(const ExecutionDraft& execution) {
  return "Workflow execution " + std::to_string(execution.id().value());
}

/// The named tasks, each once; empty after an answer.
std::set<TaskIndex> Named(Draft& draft, const ExecutionDraft& execution,
                          const RerunTasks& request) {
  std::set<TaskIndex> tasks;
  for (const std::string& name : request.tasks) {
    const TaskIndex task = FindTaskOf(draft, execution, name, kRefused);
    if (task < 0) return {};
    if (const TaskRow* row = execution.FindTask(task); row != nullptr && IsLive(*row)) {
      draft.Reply(Code::kFailedPrecondition, kRefused + ExecutionText(execution) + ": task '" +
                                                 name + "' is alive; stop it first, or restart it");
      return {};
    }
    tasks.insert(task);
  }
  return tasks;
}

/// Those that failed, and that nobody runs again already; empty after an answer.
std::set<TaskIndex> Failed(Draft& draft, const ExecutionDraft& execution) {
  std::set<TaskIndex> tasks;
  for (size_t i = 0; i < execution.workflow().tasks().size(); ++i) {
    const auto task = static_cast<TaskIndex>(i);
    const TaskRow* row = execution.FindTask(task);
    if (row == nullptr || IsLive(*row)) continue;
    if (execution.LatestStatus(task) == TaskStatus::kFailed) tasks.insert(task);
  }
  if (tasks.empty()) {
    draft.Reply(Code::kFailedPrecondition,
                kRefused + ExecutionText(execution) +
                    ": no task's latest run has failed; name the tasks to run again");
  }
  return tasks;
}

std::string NamesOf(const ExecutionDraft& execution, const std::set<TaskIndex>& tasks) {
  constexpr size_t kNamed = 20;
  std::string text;
  size_t count = 0;
  for (const TaskIndex task : tasks) {
    if (++count > kNamed) return text + " and " + std::to_string(tasks.size() - kNamed) + " more";
    text += (text.empty() ? "'" : ", '") + execution.TaskName(task) + "'";
  }
  return text;
}

}  // namespace

// The downstream is not started here: its joins fire again, because the runs they look at have new
// sequence numbers.
void Handle(Draft& draft, const RerunTasks& request) {
  ExecutionDraft* execution = FindForTasks(draft, request.execution_id, kRefused);
  if (execution == nullptr) return;
  const std::set<TaskIndex> tasks =
      request.tasks.empty() ? Failed(draft, *execution) : Named(draft, *execution, request);
  if (tasks.empty()) return;
  const std::string names = NamesOf(*execution, tasks);
  const bool reopened = OpenForTasks(*execution, "which runs again " + names);
  Why why;
  why.text = RequestText(draft);
  for (const TaskIndex task : tasks) StartTask(*execution, task, why);
  draft.Reply(Code::kOk,
              "workflow execution " + std::to_string(request.execution_id) +
                  (reopened ? " is reopened" : "") + ": started again " + names,
              static_cast<int64_t>(tasks.size()),
              std::string("{\"reopened\":") + (reopened ? "true}" : "false}"));
}

}  // namespace aiflow
