#include "model/limits.h"
#include "model/spec_json.h"
#include "scheduler/requests/handlers.h"

namespace aiflow {
namespace {

/// Who has or awaits slots of the pool; null when nobody does.
const char* UserOf(const Draft& draft, const std::string& pool) {
  if (draft.state().slots.pools.contains(pool)) return "tasks that run";
  for (const auto& [slot_class, runs] : draft.state().waiting_runs) {
    if (slot_class.pool == pool) return "tasks that wait";
  }
  return nullptr;
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
  draft.PutPool(PoolRow{request.name, request.slots, request.description});
  draft.Reply(Code::kOk,
              "pool '" + request.name + "' has " + std::to_string(request.slots) + " slots");
}

void Handle(Draft& draft, const DeletePool& request) {
  const std::string subject = "pool '" + request.name + "'";
  if (request.name == kExecutorPool) {
    return draft.Reply(Code::kFailedPrecondition,
                       subject + " is the executor's and cannot be deleted");
  }
  if (!draft.state().pools.contains(request.name)) {
    return draft.Reply(Code::kNotFound, subject + " does not exist");
  }
  if (const char* user = UserOf(draft, request.name)) {
    return draft.Reply(Code::kFailedPrecondition,
                       subject + " cannot be deleted: it is used by " + user + "; stop them first");
  }
  draft.Put(ErasePool{request.name});
  draft.Reply(Code::kOk, subject + " deleted");
}

}  // namespace aiflow
