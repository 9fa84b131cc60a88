#include "api/schedule_timezone.h"

#include "calendar/recurrence.h"
#include "calendar/time_zone.h"

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

Status CheckScheduleTimezone(const std::string& expression, const std::string& timezone) {
  if (const auto zone = TimeZone::Find(timezone); !zone.has_value()) return zone.error();
  const auto recurrence = Recurrence::Parse(expression, timezone);
  if (!recurrence.has_value()) return recurrence.error();
  // An interval has no zone.
  if (recurrence->zone().empty() || recurrence->zone() == timezone) return Status::Ok();
  return {Code::kInvalidArgument, "expression '" + expression + "' is in the time zone " +
                                      recurrence->zone() + ", and the time zone " + timezone +
                                      " is given beside it; leave one of them out"};
}

}  // namespace aiflow::api
