#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace aiflow {

/// Status of a task execution. Numbers are stored; names are the public contract.
enum class TaskStatus : uint8_t {
  kInit = 0,
  kQueued = 1,
  kRunning = 2,
  kSuccess = 3,
  kFailed = 4,
  kStopping = 5,
  kStopped = 6,
  kRetrying = 7,
};

/// "RUNNING" for kRunning.
std::string_view TaskStatusName(TaskStatus status);
std::optional<TaskStatus> ParseTaskStatus(std::string_view name);

/// SUCCESS, FAILED, STOPPED.
bool IsFinished(TaskStatus status);
/// INIT, QUEUED, RUNNING, RETRYING: as the public contract defines it, without STOPPING.
bool IsAlive(TaskStatus status);
/// The statuses that are announced and that rules may name: RUNNING, SUCCESS, FAILED, STOPPED,
/// RETRYING.
bool IsAnnounced(TaskStatus status);
/// The legal-transition table; anything else is an illegal or late report that changes nothing.
bool IsLegalTransition(TaskStatus from, TaskStatus to);

}  // namespace aiflow
