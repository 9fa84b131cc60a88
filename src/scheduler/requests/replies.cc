#include "scheduler/requests/replies.h"

#include "model/event_keys.h"
#include "scheduler/reopening.h"

namespace aiflow {

void ReplyNoNamespace(Draft& draft, const std::string& name) {
  draft.Reply(Code::kNotFound, "Namespace " + name + " not exists.");
}

void ReplyNoWorkflow(Draft& draft, const std::string& ns, const std::string& name) {
  draft.Reply(Code::kNotFound, "Workflow " + ns + "." + name + " not exists");
}

void ReplyNoExecution(Draft& draft, int64_t id) {
  draft.Reply(Code::kNotFound, "Workflow execution " + std::to_string(id) + " not exists");
}

const WorkflowRow* FindWorkflow(Draft& draft, int64_t id, const std::string& ns,
                                const std::string& name) {
  if (id != 0) {
    const WorkflowRow* workflow = draft.state().FindWorkflow(WorkflowId(id));
    if (workflow == nullptr) {
      draft.Reply(Code::kNotFound, "Workflow with id: " + std::to_string(id) + " not exists");
    }
    return workflow;
  }
  const std::string matching(MatchingNamespace(ns));
  const WorkflowRow* workflow = draft.state().FindWorkflow(matching, name);
  if (workflow == nullptr) ReplyNoWorkflow(draft, matching, name);
  return workflow;
}

bool IsFinishedOrDeleted(const Draft& draft, int64_t execution_id) {
  return execution_id > 0 && execution_id <= draft.state().counters.execution &&
         draft.state().FindExecution(ExecutionId(execution_id)) == nullptr;
}

ExecutionDraft* FindForTasks(Draft& draft, int64_t execution_id, const std::string& refused) {
  const std::string subject = refused + "Workflow execution " + std::to_string(execution_id);
  if (ExecutionDraft* execution = draft.FindExecution(ExecutionId(execution_id))) {
    if (execution->running()) return execution;
    const bool waits = execution->row().status == ExecutionStatus::kInit;
    draft.Reply(Code::kFailedPrecondition,
                subject + (waits ? " has not begun: it waits, as max_active_executions says"
                                 : " is stopping; try again once it has stopped"));
    return nullptr;
  }
  if (ExecutionDraft* execution = draft.FindFinished()) return execution;
  if (const ExecutionRow* row = draft.FinishedRow()) {
    draft.Reply(Code::kFailedPrecondition,
                subject + " is finished and cannot be reopened: its snapshot " +
                    std::to_string(row->snapshot_id.value()) + " was deleted");
  } else if (IsFinishedOrDeleted(draft, execution_id)) {
    draft.Reply(Code::kNotFound, subject +
                                     " not exists: it was deleted, by hand or because it "
                                     "ended longer ago than history_retention");
  } else {
    draft.Reply(Code::kNotFound, subject + " not exists");
  }
  return nullptr;
}

TaskIndex FindTaskOf(Draft& draft, const ExecutionDraft& execution, const std::string& task,
                     const std::string& refused) {
  const TaskIndex index = execution.workflow().FindTask(task);
  if (index < 0) {
    draft.Reply(Code::kNotFound, refused + "Workflow execution " +
                                     std::to_string(execution.id().value()) + " has no task '" +
                                     task + "'");
  }
  return index;
}

bool OpenForTasks(ExecutionDraft& execution, const std::string& what) {
  if (!IsFinished(execution.row().status)) {
    execution.Edit().event_offset = execution.draft().offset();
    return false;
  }
  Reopen(execution.draft().TakeFinished(), RequestText(execution.draft()) + ", " + what);
  return true;
}

std::string RequestText(const Draft& draft) {
  return "request " + draft.event().value + " at offset " + std::to_string(draft.offset());
}

}  // namespace aiflow
