#include "model/limits.h"
#include "model/spec_json.h"
#include "scheduler/requests/handlers.h"

namespace aiflow {
namespace {

/// Who has or awaits slots of the pool; null when nobody does.
const char* UserOf(const Draft& draft, const PoolRow& pool) {
  const bool of_executor = IsExecutorPool(pool);
  const auto& slots = of_executor ? draft.state().slots.executors : draft.state().slots.pools;
  if (slots.contains(pool.name)) return "tasks that run";
  for (const auto& [slot_class, runs] : draft.state().waiting_runs) {
    const std::string& waits_for = of_executor ? slot_class.executor : slot_class.pool;
    if (waits_for == pool.name) return "tasks that wait";
  }
  if (!of_executor) return nullptr;
  for (const auto& [name, other] : draft.state().pools) {
    if (name != pool.name && other.executor == pool.name) return "other pools";
  }
  return nullptr;
}

bool IsExecutor(const Draft& draft, const std::string& name) {
  const PoolRow* pool = draft.FindPool(name);
  return name == kLocalExecutor || (pool != nullptr && IsExecutorPool(*pool));
}

/// The executor of the pool as the request asks for it; an error when it cannot be.
Result<std::string> ExecutorFor(const Draft& draft, const SetPool& request) {
  const std::string subject = "pool '" + request.name + "'";
  const PoolRow* pool = draft.FindPool(request.name);
  const bool is_executors =
      request.name == kExecutorPool || (pool != nullptr && IsExecutorPool(*pool));
  const std::string before = pool == nullptr ? std::string() : pool->executor;
  if (request.of_executor) {
    if (pool == nullptr || is_executors) return request.executor;
    return Error(Code::kAlreadyExists,
                 subject +
                     " was made by hand, so no executor can have this name: rename the "
                     "executor in the configuration, or delete the pool first");
  }
  if (request.keep_executor) return before;
  if (is_executors) {
    if (request.executor.empty() || request.executor == request.name) return before;
    return Error(Code::kFailedPrecondition,
                 subject + " is an executor's own: it belongs to no other one");
  }
  if (!request.executor.empty() && !IsExecutor(draft, request.executor)) {
    return Error(Code::kNotFound, subject + ": there is no executor '" + request.executor +
                                      "'; `executors` of the server's configuration names them");
  }
  return request.executor;
}

}  // namespace

void Handle(Draft& draft, const SetPool& request) {
  if (Status status = ValidateName("pool name", request.name); !status.ok()) {
    return draft.Reply(status.code(), status.message());
  }
  if (request.slots < 0 || request.slots > limits::kMaxPoolSlots) {
    return draft.Reply(Code::kInvalidArgument,
                       "pool '" + request.name + "': " + std::to_string(request.slots) +
                           " slots are not between 0 and " + std::to_string(limits::kMaxPoolSlots));
  }
  if (!draft.state().pools.contains(request.name) &&
      draft.state().pools.size() >= static_cast<size_t>(limits::kMaxPools)) {
    return draft.Reply(Code::kResourceExhausted, "pool '" + request.name + "': there are " +
                                                     std::to_string(limits::kMaxPools) +
                                                     " pools, the limit; delete one first");
  }
  Result<std::string> executor = ExecutorFor(draft, request);
  if (!executor.has_value())
    return draft.Reply(executor.error().code(), executor.error().message());
  draft.PutPool(PoolRow{request.name, request.slots, request.description, *std::move(executor)});
  draft.Reply(Code::kOk,
              "pool '" + request.name + "' has " + std::to_string(request.slots) + " slots");
}

void Handle(Draft& draft, const DeletePool& request) {
  const std::string subject = "pool '" + request.name + "'";
  if (request.name == kExecutorPool) {
    return draft.Reply(Code::kFailedPrecondition,
                       subject + " is the executor's and cannot be deleted");
  }
  const PoolRow* pool = draft.FindPool(request.name);
  if (pool == nullptr) return draft.Reply(Code::kNotFound, subject + " does not exist");
  if (IsExecutorPool(*pool) && pool->slots > 0) {
    return draft.Reply(Code::kFailedPrecondition,
                       subject +
                           " is an executor's; take the executor out of the configuration "
                           "first");
  }
  if (const char* user = UserOf(draft, *pool)) {
    return draft.Reply(Code::kFailedPrecondition,
                       subject + " cannot be deleted: it is used by " + user + "; stop them first");
  }
  draft.Put(ErasePool{request.name});
  draft.Reply(Code::kOk, subject + " deleted");
}

}  // namespace aiflow
