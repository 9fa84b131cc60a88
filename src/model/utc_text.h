#pragma once

#include <string>

#include "base/clock.h"

namespace aiflow {

/// "2024-03-31T01:00:00Z", with milliseconds when there are some: "2024-03-31T01:00:00.250Z".
/// REQUIRES: within the years 1970 to 9999.
std::string UtcText(Millis time);

}  // namespace aiflow
