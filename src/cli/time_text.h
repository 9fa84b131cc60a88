#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace aiflow::cli {

/// Epoch milliseconds of a time as people write it: "2026-01-31", "2026-01-31T08:15",
/// "2026-01-31 08:15:00.250", with "Z" or "+01:00" at the end, without one in local time.
/// kInvalidArgument: it is none, or there is no such day.
Result<int64_t> ParseTime(const std::string& text);

}  // namespace aiflow::cli
