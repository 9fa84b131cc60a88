#include "api/pool_use.h"

#include "model/workflow_spec.h"
#include "scheduler/state_rep.h"

namespace aiflow::api {

PoolUse UseOf(const State& state, const std::string& pool) {
  const State::Rep& rep = state.rep();
  const PoolRow* row = rep.FindPool(pool);
  const bool of_executor = pool == kExecutorPool || (row != nullptr && IsExecutorPool(*row));
  const auto& slots = of_executor ? rep.slots.executors : rep.slots.pools;
  PoolUse use;
  if (const auto found = slots.find(pool); found != slots.end()) use.in_use = found->second;
  for (const auto& [slot_class, runs] : rep.waiting_runs) {
    // Every run takes a slot of its executor.
    const bool needs = of_executor ? rep.ExecutorOf(slot_class) == pool : slot_class.pool == pool;
    if (needs) use.waiting += static_cast<int64_t>(runs.size());
  }
  return use;
}

}  // namespace aiflow::api
