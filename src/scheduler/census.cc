#include "scheduler/census.h"

#include "scheduler/quarantine.h"
#include "scheduler/state_rep.h"

namespace aiflow {
namespace {

template <typename Container>
int64_t Size(const Container& container) {
  return static_cast<int64_t>(container.size());
}

void CountExecutions(const State::Rep& rep, Census& census) {
  for (const auto& [id, execution] : rep.executions) {
    ++census.executions.at(static_cast<size_t>(execution.row.status));
    if (execution.detail == nullptr) continue;
    for (const auto& [key, run] : execution.detail->runs) {
      if (!IsFinished(run.status)) ++census.runs.at(static_cast<size_t>(run.status));
    }
  }
}

void CountPools(const State::Rep& rep, Census& census) {
  for (const auto& [name, pool] : rep.pools) {
    const auto& slots = IsExecutorPool(pool) ? rep.slots.executors : rep.slots.pools;
    const auto used = slots.find(name);
    census.pools[name] = {.slots = pool.slots, .used = used == slots.end() ? 0 : used->second};
  }
  const auto used = rep.slots.executors.find(kExecutorPool);
  census.pools[kExecutorPool] = {.slots = rep.PoolSlots(kExecutorPool),
                                 .used = used == rep.slots.executors.end() ? 0 : used->second};
}

}  // namespace

Census TakeCensus(const State& state) {
  const State::Rep& rep = state.rep();
  Census census;
  census.executions_ever = rep.counters.execution;
  census.runs_ever = rep.counters.task_execution;
  census.namespaces = Size(rep.namespaces);
  census.workflows = Size(rep.workflows);
  census.schedules = Size(rep.schedules);
  census.triggers = Size(rep.triggers);
  census.timers = Size(rep.timers);
  census.questions = Size(rep.questions);
  census.failed_events = Size(rep.dead_letters);
  census.suspended = Size(rep.suspensions);
  for (const auto& [id, letter] : rep.dead_letters) census.quarantined += IsQuarantine(letter);
  for (const auto& [id, row] : rep.outbox) ++census.outbox.at(static_cast<size_t>(row.kind));
  for (const auto& [slot_class, runs] : rep.waiting_runs) census.waiting_runs += Size(runs);
  CountExecutions(rep, census);
  CountPools(rep, census);
  return census;
}

}  // namespace aiflow
