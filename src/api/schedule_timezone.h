#pragma once

#include <string>

#include "api/spec_cache.h"
#include "base/status.h"
#include "model/rows.h"
#include "storage/queries.h"

namespace aiflow::api {

/// The time zone of a new schedule that names none: that of the workflow's latest snapshot, else
/// `server_default`. Empty: UTC.
Result<std::string> ScheduleTimezone(const Queries& queries, SpecCache& specs,
                                     const WorkflowRow& workflow,
                                     const std::string& server_default);

/// Whether a zone that was given beside an expression can be meant: it must be known, and be that
/// of an expression which names one. kInvalidArgument says what to leave out.
Status CheckScheduleTimezone(const std::string& expression, const std::string& timezone);

}  // namespace aiflow::api
