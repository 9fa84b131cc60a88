#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "model/limits.h"
#include "scheduler/hooks.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/requests/replies.h"

namespace aiflow {
namespace {

using RunName = std::pair<TaskIndex, int64_t>;

/// Runs that a join has fired with: it compares with them once more.
std::set<RunName> FiredRuns(const ExecutionDetail& detail) {
  std::set<RunName> runs;
  for (const auto& [ref, rule] : detail.rules) runs.insert(rule.fired.begin(), rule.fired.end());
  return runs;
}

/// Which runs of one unfinished execution are still named. Not all are looked up for each run.
class NamedRuns {
 public:
  explicit NamedRuns(const ExecutionEntry* execution) : execution_(execution) {
    if (execution_ != nullptr && execution_->detail != nullptr) {
      fired_ = FiredRuns(*execution_->detail);
    }
  }

  /// The run ended, and nothing will look at it again.
  [[nodiscard]] bool MayGo(TaskIndex task, int64_t sequence) const {
    if (execution_ == nullptr || execution_->detail == nullptr) return false;
    const auto row = execution_->detail->tasks.find(task);
    if (row == execution_->detail->tasks.end()) return false;
    const TaskRow& state = row->second;
    const bool named = sequence == state.latest || sequence == state.current ||
                       sequence == state.successor || fired_.contains({task, sequence});
    return sequence > 0 && sequence <= state.last_sequence && !named;
  }

 private:
  const ExecutionEntry* execution_;
  std::set<RunName> fired_;
};

int64_t RetireExecutions(Draft& draft, const std::vector<int64_t>& ids) {
  const std::set<ExecutionId> untold = ExecutionsWithHooks(draft);
  int64_t removed = 0;
  for (const int64_t id : std::set<int64_t>(ids.begin(), ids.end())) {
    if (!IsFinishedOrDeleted(draft, id) || untold.contains(ExecutionId(id))) continue;
    draft.Put(EraseExecution{ExecutionId(id)});
    ++removed;
  }
  return removed;
}

int64_t RetireRuns(Draft& draft, const std::vector<int64_t>& numbers) {
  std::map<int64_t, NamedRuns> executions;
  std::set<std::pair<int64_t, RunName>> done;
  int64_t removed = 0;
  for (size_t i = 0; i + 3 < numbers.size(); i += 4) {
    const int64_t execution = numbers[i];
    const auto task = static_cast<TaskIndex>(numbers[i + 1]);
    const int64_t sequence = numbers[i + 2];
    auto entry = executions.find(execution);
    if (entry == executions.end()) {
      entry =
          executions.emplace(execution, draft.state().FindExecution(ExecutionId(execution))).first;
    }
    if (!entry->second.MayGo(task, sequence)) continue;
    if (!done.insert({execution, {task, sequence}}).second) continue;
    draft.Put(EraseTaskExecution{TaskExecutionId(numbers[i + 3]), ExecutionId(execution), task,
                                 sequence});
    ++removed;
  }
  return removed;
}

}  // namespace

void Handle(Draft& draft, const RetireRows& request) {
  if (request.runs.size() % 4 != 0) {
    return draft.Reply(Code::kInvalidArgument, "RETIRE_ROWS: a run has four numbers");
  }
  const size_t count = request.executions.size() + request.runs.size() / 4;
  if (count > limits::kMaxRetiredPerRequest) {
    return draft.Reply(Code::kInvalidArgument, "RETIRE_ROWS: " + std::to_string(count) +
                                                   " rows are over the limit of " +
                                                   std::to_string(limits::kMaxRetiredPerRequest));
  }
  const int64_t removed =
      RetireExecutions(draft, request.executions) + RetireRuns(draft, request.runs);
  if (request.replies_below > 0) {
    draft.Put(EraseReplies{std::min(request.replies_below, draft.offset())});
  }
  draft.Reply(Code::kOk, std::to_string(removed) + " rows removed", removed);
}

}  // namespace aiflow
