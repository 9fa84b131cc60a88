#include "model/task_status.h"

#include <array>

namespace aiflow {
namespace {

constexpr std::array<std::string_view, 8> kNames = {"INIT",   "QUEUED",   "RUNNING", "SUCCESS",
                                                    "FAILED", "STOPPING", "STOPPED", "RETRYING"};

}  // namespace

std::string_view TaskStatusName(TaskStatus status) { return kNames[static_cast<size_t>(status)]; }

std::optional<TaskStatus> ParseTaskStatus(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<TaskStatus>(i);
  }
  return std::nullopt;
}

bool IsFinished(TaskStatus status) {
  return status == TaskStatus::kSuccess || status == TaskStatus::kFailed ||
         status == TaskStatus::kStopped;
}

bool IsAlive(TaskStatus status) {
  return status == TaskStatus::kInit || status == TaskStatus::kQueued ||
         status == TaskStatus::kRunning || status == TaskStatus::kRetrying;
}

bool IsAnnounced(TaskStatus status) {
  return IsFinished(status) || status == TaskStatus::kRunning || status == TaskStatus::kRetrying;
}

bool IsLegalTransition(TaskStatus from, TaskStatus to) {
  switch (from) {
    case TaskStatus::kInit:
      return to == TaskStatus::kQueued || to == TaskStatus::kStopped || to == TaskStatus::kFailed;
    case TaskStatus::kQueued:
      return to == TaskStatus::kRunning || to == TaskStatus::kStopping || IsFinished(to) ||
             to == TaskStatus::kRetrying;
    case TaskStatus::kRunning:
      return to == TaskStatus::kStopping || IsFinished(to) || to == TaskStatus::kRetrying;
    case TaskStatus::kStopping: return IsFinished(to) || to == TaskStatus::kRetrying;
    case TaskStatus::kRetrying:
      return to == TaskStatus::kQueued || to == TaskStatus::kStopping ||
             to == TaskStatus::kStopped || to == TaskStatus::kFailed;
    case TaskStatus::kSuccess:
    case TaskStatus::kFailed:
    case TaskStatus::kStopped: return false;
  }
  return false;
}

}  // namespace aiflow
