#include "api/spec_cache.h"

#include <utility>

#include "model/spec_json.h"

namespace aiflow::api {

Result<std::shared_ptr<const WorkflowSpec>> SpecCache::Get(const std::string& digest) {
  if (digest.empty()) {
    return Error(Code::kFailedPrecondition, "the snapshot has no compiled specification");
  }
  {
    const std::lock_guard lock(mutex_);
    const auto found = specs_.find(digest);
    if (found != specs_.end()) return found->second;
  }
  const Result<std::string> json = blobs_.Get(digest);
  if (!json.has_value()) return Error(json.error());
  Result<WorkflowSpec> spec = ParseWorkflowSpec(*json);
  if (!spec.has_value()) return Error(spec.error());
  auto shared = std::make_shared<const WorkflowSpec>(*std::move(spec));

  const std::lock_guard lock(mutex_);
  if (specs_.emplace(digest, shared).second) {
    order_.push_back(digest);
    if (order_.size() > capacity_) {
      specs_.erase(order_.front());
      order_.pop_front();
    }
  }
  return shared;
}

}  // namespace aiflow::api
