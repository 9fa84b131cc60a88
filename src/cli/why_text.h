#pragma once

#include <aiflow/v1/orchestrator.pb.h>

#include <string>

namespace aiflow::cli {

/// The explanation of an execution for people: per task what each start, stop and ignored start
/// came from, then what the task still waits for. Ends with a line break. Pure.
std::string WhyText(const ::aiflow::v1::ExplainResponse& explained);

/// Why something happened, for people: "by hour_complete=12 #345" for an event of the users, what
/// the server says of it (`text`) for one that servers send to themselves; may be empty.
std::string CauseText(const std::string& key, const std::string& value, int64_t offset,
                      const std::string& text);

/// "hour_complete=12 #345": an event for people. Parts that are absent are left out.
std::string EventText(const std::string& key, const std::string& value, int64_t offset);

}  // namespace aiflow::cli
