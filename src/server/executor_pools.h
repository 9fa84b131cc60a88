#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/engine_loop.h"
#include "storage/queries.h"

namespace aiflow::server {

/// An executor of the configuration.
struct ConfiguredExecutor {
  std::string name;
  int64_t parallelism = 0;
  std::string setting;  // where the parallelism is configured, for people
};

/// Makes the pools of the executors what the configuration says: one of its name for each, no slots
/// for those that are not configured any more, and `standard` as the executor of what names none.
/// Blocks until that is committed, for at most `patience`. kAlreadyExists when a pool that was made
/// by hand has an executor's name.
Status SetExecutorPools(const Queries& queries, EngineLoop& loop,
                        const std::vector<ConfiguredExecutor>& executors,
                        const std::string& standard, std::chrono::milliseconds patience);

}  // namespace aiflow::server
