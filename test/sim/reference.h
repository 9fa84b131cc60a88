#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/event.h"
#include "model/rows.h"
#include "model/workflow_spec.h"

namespace aiflow::sim {

/// Name of the workflow whose outcome is known without the scheduler.
inline constexpr const char* kReferenceWorkflow = "reference";

/// Its tasks: `each` runs once per tick, `any` once per tick or tock, `both` once per pair of them,
/// `a` and `b` make the join `joined` fire. `asked` runs as often as its user-written condition
/// says so, `picked` for ticks with a number from 3 to 6, `valued` for tocks with some values of
/// one sender. Those that count queue their starts.
WorkflowSpec ReferenceSpec();

enum ReferenceTask : TaskIndex {
  kEach = 0,
  kAny = 1,
  kBoth = 2,
  kA = 3,
  kB = 4,
  kJoined = 5,
  kAsked = 6,
  kPicked = 7,
  kValued = 8,
};

/// Name of the workflow that nothing starts but a trigger with a user-written condition. Its
/// executions end at once, and a hook tells of it.
inline constexpr const char* kReachedWorkflow = "reached";
WorkflowSpec ReachedSpec();
ConditionSpec ReachedCondition();

/// How often each counting task must have run, by a few lines of code that know nothing of rules:
/// from the events alone.
std::map<TaskIndex, int64_t> ExpectedRuns(const ExecutionRow& execution,
                                          const std::vector<Event>& events);

/// How often the join must have fired, from the order in which the statuses of `a` and `b` changed.
class JoinReference {
 public:
  void Changed(const TaskExecutionRow& row);
  [[nodiscard]] int64_t fired() const { return fired_; }

 private:
  struct Latest {
    int64_t sequence = 0;
    TaskStatus status = TaskStatus::kInit;
  };
  std::map<TaskIndex, Latest> latest_;
  std::pair<int64_t, int64_t> last_{0, 0};
  int64_t fired_ = 0;
};

/// Whether an execution may still be open although nothing of it runs: a task that never ran can
/// still start (rule 29), decided by a fixpoint of its own. `ran` and `latest` are by task.
bool MayWait(const WorkflowSpec& spec, const std::vector<bool>& ran,
             const std::vector<TaskStatus>& latest);

}  // namespace aiflow::sim
