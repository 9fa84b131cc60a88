#include "engine/spec_resolver.h"

#include <utility>

#include "model/spec_json.h"

namespace aiflow {

Result<std::shared_ptr<const WorkflowSpec>> SpecResolver::Get(const std::string& digest) {
  std::weak_ptr<const WorkflowSpec>& cached = cache_[digest];
  if (auto spec = cached.lock()) return spec;

  Result<std::string> json = blobs_.Get(digest);
  if (!json.has_value()) {
    return Error(json.error().code(), "specification " + digest + ": " + json.error().message());
  }
  Result<WorkflowSpec> parsed = ParseWorkflowSpec(*json);
  if (!parsed.has_value()) {
    return Error(Code::kInvalidArgument,
                 "specification " + digest + ": " + parsed.error().message());
  }
  auto spec = std::make_shared<const WorkflowSpec>(std::move(*parsed));
  cached = spec;
  return spec;
}

bool IsBadSpec(const Status& status) {
  return status.code() == Code::kNotFound || status.code() == Code::kDataLoss ||
         status.code() == Code::kInvalidArgument;
}

}  // namespace aiflow
