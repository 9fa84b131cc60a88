#include "server/executor_pools.h"

#include <algorithm>
#include <future>
#include <map>
#include <memory>
#include <utility>

#include "model/limits.h"
#include "model/requests.h"

namespace aiflow::server {
namespace {

SetPool PoolOf(const ConfiguredExecutor& executor, const std::string& standard) {
  return {.name = executor.name,
          .slots = executor.parallelism,
          .description = executor.setting,
          .executor = executor.name == kLocalExecutor ? standard : executor.name,
          .of_executor = true};
}

/// What differs from the pools that are there.
std::vector<SetPool> Changes(const std::vector<PoolRow>& pools,
                             const std::vector<ConfiguredExecutor>& executors,
                             const std::string& standard) {
  std::map<std::string, SetPool> wanted;
  for (const ConfiguredExecutor& executor : executors) {
    wanted[executor.name] = PoolOf(executor, standard);
  }
  for (const PoolRow& pool : pools) {
    const auto found = wanted.find(pool.name);
    if (found != wanted.end()) {
      if (pool.slots == found->second.slots && pool.executor == found->second.executor) {
        wanted.erase(found);
      }
    } else if (IsExecutorPool(pool) && pool.slots > 0) {
      wanted[pool.name] = PoolOf({pool.name, 0, "not configured any more"}, standard);
    }
  }
  std::vector<SetPool> changes;
  for (auto& [name, set] : wanted) changes.push_back(std::move(set));
  // The default one is named last: it exists then.
  std::stable_partition(changes.begin(), changes.end(),
                        [](const SetPool& set) { return set.name != kLocalExecutor; });
  return changes;
}

}  // namespace

Status SetExecutorPools(const Queries& queries, EngineLoop& loop,
                        const std::vector<ConfiguredExecutor>& executors,
                        const std::string& standard, std::chrono::milliseconds patience) {
  const auto pools = queries.ListPools({.limit = limits::kMaxPools});
  if (!pools.has_value()) return pools.error();
  for (const SetPool& change : Changes(*pools, executors, standard)) {
    const auto set = std::make_shared<std::promise<Status>>();
    loop.Submit(change, "", [set](const Result<ReplyRow>& reply) {
      Status status = reply.has_value() ? Status::Ok() : reply.error();
      if (status.ok() && reply->code != 0)
        status = {static_cast<Code>(reply->code), reply->message};
      set->set_value(std::move(status));
    });
    std::future<Status> answer = set->get_future();
    if (answer.wait_for(patience) != std::future_status::ready) {
      return {Code::kUnavailable, "the server is not ready: " + loop.NotReadyReason()};
    }
    AIFLOW_RETURN_IF_ERROR(answer.get());
  }
  return Status::Ok();
}

}  // namespace aiflow::server
