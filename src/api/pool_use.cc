#include "api/pool_use.h"

#include "model/workflow_spec.h"
#include "scheduler/state_rep.h"

namespace aiflow::api {

PoolUse UseOf(const State& state, const std::string& pool) {
  const State::Rep& rep = state.rep();
  const bool executor = pool == kExecutorPool;
  PoolUse use;
  if (executor) {
    use.in_use = rep.slots.executor;
  } else if (const auto found = rep.slots.pools.find(pool); found != rep.slots.pools.end()) {
    use.in_use = found->second;
  }
  for (const auto& [slot_class, runs] : rep.waiting_runs) {
    // Every run takes a slot of the executor.
    if (executor || slot_class.pool == pool) use.waiting += static_cast<int64_t>(runs.size());
  }
  return use;
}

}  // namespace aiflow::api
