#include "scheduler/reopening.h"

#include "base/check.h"
#include "scheduler/rules.h"
#include "scheduler/timers/timers.h"

namespace aiflow {
namespace {

std::string Ending(const ExecutionRow& row) {
  std::string text(ExecutionStatusName(row.status));
  if (!row.reason.empty()) text += ": " + row.reason;
  return text;
}

}  // namespace

void Reopen(ExecutionDraft& execution, const std::string& text) {
  ExecutionRow& row = execution.Edit();
  CHECK(IsFinished(row.status)) << "execution " << row.id << " is not finished";
  execution.Record(CauseKind::kReopened, -1, 0, -1,
                   "reopened by " + text + "; it had ended " + Ending(row));
  const Millis now = execution.draft().now();
  const Millis limit = execution.workflow().spec().execution_timeout;
  row.status = ExecutionStatus::kRunning;
  row.stop_cause = StopCause::kNone;
  row.end = Millis(0);
  if (row.begin == Millis(0)) row.begin = now;  // it was stopped while it waited in INIT
  row.reason.clear();
  row.cascade = 0;
  row.deadline = limit == Millis(0) ? Millis(0) : now + limit;
  row.event_offset = execution.draft().offset();

  const std::vector<CompiledTask>& tasks = execution.workflow().tasks();
  for (size_t i = 0; i < tasks.size(); ++i) {
    const auto task = static_cast<TaskIndex>(i);
    for (size_t j = 0; j < tasks[i].rules.size(); ++j) {
      const RuleRef ref{task, static_cast<RuleIndex>(j)};
      if (execution.FindRuleState(ref) != nullptr) ForgetEvents(execution, ref);
    }
    const TaskRow* state = execution.FindTask(task);
    if (state != nullptr && state->next_tick != Millis(0)) execution.EditTask(task).next_tick = {};
  }
  ArmTicks(execution);
}

}  // namespace aiflow
