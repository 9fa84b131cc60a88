#pragma once

#include <optional>
#include <string_view>

#include "model/attempt_key.h"
#include "model/event.h"
#include "model/task_status.h"

namespace aiflow {

/// The announcement of an attempt's new status, for listeners and for rules of other executions.
/// Complete but for offset and time; its id is deterministic. Sender and context are those of the
/// public contract, with the sequence and try numbers on top.
Event StatusChangedEvent(std::string_view ns, std::string_view workflow, std::string_view task,
                         const AttemptKey& attempt, TaskStatus status);

/// The status that an announcement carries; nothing when its context is not one of ours.
std::optional<TaskStatus> StatusOf(const Event& status_changed);

}  // namespace aiflow
