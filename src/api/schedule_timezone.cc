#include "api/schedule_timezone.h"

namespace aiflow::api {

Result<std::string> ScheduleTimezone(const Queries& queries, SpecCache& specs,
                                     const WorkflowRow& workflow,
                                     const std::string& server_default) {
  if (!workflow.latest_snapshot.valid()) return server_default;
  const auto snapshot = queries.GetSnapshot(workflow.latest_snapshot);
  if (!snapshot.has_value()) return Error(snapshot.error());
  // An old client's snapshot has no specification.
  if (!snapshot->has_value() || (*snapshot)->spec_digest.empty()) return server_default;
  const auto spec = specs.Get((*snapshot)->spec_digest);
  if (!spec.has_value()) return Error(spec.error());
  return (*spec)->timezone.empty() ? server_default : (*spec)->timezone;
}

}  // namespace aiflow::api
