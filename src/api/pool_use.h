#pragma once

#include <cstdint>
#include <string>

#include "scheduler/state.h"

namespace aiflow::api {

/// How a pool is used now. Plain value.
struct PoolUse {
  int64_t in_use = 0;
  int64_t waiting = 0;  // runs without a slot that need one of this pool
};

/// Of the pool with this name; the executor's is kExecutorPool. Pure.
PoolUse UseOf(const State& state, const std::string& pool);

}  // namespace aiflow::api
