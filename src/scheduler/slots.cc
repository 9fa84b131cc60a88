#include "scheduler/slots.h"

#include <set>
#include <string>
#include <vector>

#include "scheduler/parts.h"

namespace aiflow {
namespace {

/// The slots and the waiting runs as they are at the end of this event.
class SlotLedger {
 public:
  explicit SlotLedger(Draft& draft) : draft_(draft) {
    std::vector<TaskClaims> before;
    std::vector<TaskClaims> after;
    for (const auto& [id, execution] : draft.executions()) execution->AppendClaims(before, after);
    for (const TaskClaims& claims : before) Count(claims, -1);
    for (const TaskClaims& claims : after) Count(claims, +1);
  }

  /// Whether anything can be different from before the event.
  [[nodiscard]] bool Moves() const {
    // The first of a class that waits no more lets the next one try. An earlier part of the
    // decision may have left some for this one.
    return released_ || !added_.empty() || !removed_.empty() || draft_.pools_changed() ||
           draft_.resumed() || draft_.suspensions().frees_runs();
  }

  void Grant() {
    PartBudget budget(draft_);
    std::set<ExecutionId> served;
    std::set<SlotClass> open;
    for (const auto& [slot_class, runs] : draft_.state().waiting_runs) open.insert(slot_class);
    for (const auto& [slot_class, runs] : added_) open.insert(slot_class);
    while (!open.empty()) {
      const SlotClass* best = nullptr;
      WaitingRun next;
      for (auto it = open.begin(); it != open.end();) {
        WaitingRun head;
        if (!Head(*it, head) || !Shortage(*it, head).empty()) {
          it = open.erase(it);
          continue;
        }
        if (best == nullptr || head < next) {
          best = &*it;
          next = head;
        }
        ++it;
      }
      if (best == nullptr) break;
      const bool counted = served.contains(next.execution);
      if (counted ? budget.full_of_rows() : budget.full()) {
        draft_.LeaveRest();
        break;
      }
      Give(*best, next);
      constexpr size_t kRows = 3;  // run, cause, command
      counted ? budget.SpendRows(kRows) : budget.Spend(kRows);
      served.insert(next.execution);
    }
  }

  /// What was asked for in this event and stays without a slot.
  void ExplainWaits() {
    for (const auto& [id, execution] : draft_.executions()) {
      for (const auto& [task, text] : execution->slot_asked()) {
        const TaskRow* row = execution->FindTask(task);
        const TaskExecutionRow* run = execution->FindRun(task, row->current);
        if (run == nullptr || run->status != TaskStatus::kQueued || run->has_slot) continue;
        const TaskSpec& spec = execution->workflow().task_spec(task);
        const SlotClass slot_class{spec.pool, spec.executor, execution->row().workflow_id};
        WaitingRun waiting;
        waiting.execution = id;
        waiting.task = task;
        waiting.slots = spec.pool_slots;
        std::string shortage = Shortage(slot_class, waiting);
        if (shortage.empty()) shortage = "runs of a higher priority, or older ones, go first";
        TaskExecutionRow& edited = execution->EditRun(task, row->current);
        edited.reason = "waits for a slot: " + shortage;
        execution->Record(CauseKind::kWaiting, task, edited.sequence, edited.cause_rule,
                          text + "; " + edited.reason);
      }
    }
  }

 private:
  void Count(const TaskClaims& claims, int sign) {
    if (!claims.slot_class.has_value()) return;
    const SlotClass& slot_class = *claims.slot_class;
    if (claims.has_slot) {
      executors_[claims.executor] += sign;
      workflows_[slot_class.workflow] += sign;
      if (!slot_class.pool.empty()) pools_[slot_class.pool] += sign * claims.waiting.slots;
      released_ = released_ || sign < 0;
      return;
    }
    if (sign < 0) {
      removed_.insert(claims.waiting);
      return;
    }
    removed_.erase(claims.waiting);
    const auto base = draft_.state().waiting_runs.find(slot_class);
    if (base == draft_.state().waiting_runs.end() || !base->second.contains(claims.waiting)) {
      added_[slot_class].insert(claims.waiting);
    }
  }

  /// The first waiting run of a class; false when none waits.
  bool Head(const SlotClass& slot_class, WaitingRun& head) const {
    bool found = false;
    const auto base = draft_.state().waiting_runs.find(slot_class);
    if (base != draft_.state().waiting_runs.end()) {
      for (const WaitingRun& run : base->second) {
        if (removed_.contains(run)) continue;
        if (IsKeptFromSlots(draft_.state(), run.execution)) continue;
        head = run;
        found = true;
        break;
      }
    }
    const auto added = added_.find(slot_class);
    if (added != added_.end() && !added->second.empty() &&
        (!found || *added->second.begin() < head)) {
      head = *added->second.begin();
      found = true;
    }
    return found;
  }

  template <typename Map, typename Key>
  static int64_t Of(const Map& map, const Key& key) {
    const auto found = map.find(key);
    return found == map.end() ? 0 : found->second;
  }

  /// What the run lacks, for people; empty when it may start.
  std::string Shortage(const SlotClass& slot_class, const WaitingRun& run) const {
    const SlotsInUse& base = draft_.state().slots;
    const auto lack = [](const std::string& what, int64_t used, int64_t slots, int64_t wanted) {
      return what + " has " + std::to_string(used) + " of " + std::to_string(slots) +
             " slots in use" + (wanted == 1 ? "" : ", and it takes " + std::to_string(wanted));
    };
    const std::string executor = ResolveExecutor(slot_class, draft_);
    const int64_t busy = Of(base.executors, executor) + Of(executors_, executor);
    const int64_t parallelism = draft_.PoolSlots(executor);
    if (busy >= parallelism) {
      if (executor == kLocalExecutor) return lack("the local executor", busy, parallelism, 1);
      if (parallelism == 0) return "there is no executor '" + executor + "'";
      return lack("the executor '" + executor + "'", busy, parallelism, 1);
    }
    if (!slot_class.pool.empty()) {
      const int64_t used = Of(base.pools, slot_class.pool) + Of(pools_, slot_class.pool);
      const int64_t slots = draft_.PoolSlots(slot_class.pool);
      // No overflow: both are bounded by kMaxPoolSlots.
      if (run.slots > slots - used) {
        const bool exists =
            slots > 0 || draft_.pools_changed() || draft_.state().pools.contains(slot_class.pool);
        if (!exists) return "pool '" + slot_class.pool + "' does not exist";
        return lack("pool '" + slot_class.pool + "'", used, slots, run.slots);
      }
    }
    ExecutionDraft* execution = draft_.FindExecution(run.execution);
    const int64_t concurrency = execution->workflow().spec().concurrency;
    const int64_t running =
        Of(base.workflows, slot_class.workflow) + Of(workflows_, slot_class.workflow);
    if (concurrency > 0 && running >= concurrency) {
      return lack("workflow '" + execution->workflow().spec().name + "' (concurrency)", running,
                  concurrency, 1);
    }
    return "";
  }

  void Give(const SlotClass& slot_class, const WaitingRun& waiting) {
    std::string executor = ResolveExecutor(slot_class, draft_);
    ++executors_[executor];
    ++workflows_[slot_class.workflow];
    if (!slot_class.pool.empty()) pools_[slot_class.pool] += waiting.slots;
    removed_.insert(waiting);
    if (const auto added = added_.find(slot_class); added != added_.end()) {
      added->second.erase(waiting);
    }

    ExecutionDraft& execution = *draft_.FindExecution(waiting.execution);
    const TaskIndex task = waiting.task;
    TaskExecutionRow& run = execution.EditRun(task, execution.FindTask(task)->current);
    run.has_slot = true;
    run.executor = executor == kLocalExecutor ? std::string() : std::move(executor);
    run.reason.clear();
    const Millis limit = execution.workflow().task_spec(task).start_timeout;
    run.deadline = limit == Millis(0) ? Millis(0) : draft_.now() + limit;
    draft_.Send(OutboxKind::kStartAttempt, run.attempt());
    std::string text = execution.SlotAskedFor(task);
    if (text.empty()) {
      text = "event at offset " + std::to_string(run.cause_offset) + "; waited for a slot";
    }
    execution.Record(CauseKind::kStarted, task, run.sequence, run.cause_rule, std::move(text));
  }

  Draft& draft_;
  // These three: differences to the state.
  std::map<std::string, int64_t, std::less<>> executors_;
  std::map<std::string, int64_t, std::less<>> pools_;
  std::map<WorkflowId, int64_t> workflows_;
  bool released_ = false;
  std::set<WaitingRun> removed_;  // wait in the state, but no longer
  std::map<SlotClass, std::set<WaitingRun>> added_;
};

}  // namespace

void GrantSlots(Draft& draft) {
  SlotLedger ledger(draft);
  if (!ledger.Moves()) return;
  ledger.Grant();
  ledger.ExplainWaits();
}

}  // namespace aiflow
