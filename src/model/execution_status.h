#pragma once

#include <cstdint>
#include <string_view>

namespace aiflow {

/// Status of a workflow execution. Old calls show kStopping as RUNNING.
enum class ExecutionStatus : uint8_t {
  kInit = 0,
  kRunning = 1,
  kSuccess = 2,
  kFailed = 3,
  kStopped = 4,
  kStopping = 5,
};

/// What started a workflow execution.
enum class RunType : uint8_t { kManual = 0, kEvent = 1, kPeriodic = 2 };

std::string_view ExecutionStatusName(ExecutionStatus status);
std::string_view RunTypeName(RunType type);
/// SUCCESS, FAILED, STOPPED.
bool IsFinished(ExecutionStatus status);

}  // namespace aiflow
