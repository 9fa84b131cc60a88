#include "model/execution_status.h"

#include <array>

namespace aiflow {

std::string_view ExecutionStatusName(ExecutionStatus status) {
  constexpr std::array<std::string_view, 6> kNames = {"INIT",   "RUNNING", "SUCCESS",
                                                      "FAILED", "STOPPED", "STOPPING"};
  return kNames[static_cast<size_t>(status)];
}

std::string_view RunTypeName(RunType type) {
  constexpr std::array<std::string_view, 3> kNames = {"MANUAL", "EVENT", "PERIODIC"};
  return kNames[static_cast<size_t>(type)];
}

bool IsFinished(ExecutionStatus status) {
  return status == ExecutionStatus::kSuccess || status == ExecutionStatus::kFailed ||
         status == ExecutionStatus::kStopped;
}

}  // namespace aiflow
