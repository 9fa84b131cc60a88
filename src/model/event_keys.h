#pragma once

#include <string>
#include <string_view>

#include "model/attempt_key.h"
#include "model/event.h"
#include "model/requests.h"
#include "model/task_status.h"

namespace aiflow {

/// Key of every request and report that drives the scheduler.
inline constexpr std::string_view kSchedulingEventKey = "AIFLOW_SCHEDULING_EVENT";
/// Value of every status-changed announcement.
inline constexpr std::string_view kStatusChangedValue = "TASK_STATUS_CHANGED";
inline constexpr std::string_view kStatusChangedKeyPrefix = "[task_status_change].";
inline constexpr std::string_view kDefaultNamespace = "default";

/// `[task_status_change].{namespace}.{workflow}.{task}`.
std::string StatusChangedKey(std::string_view ns, std::string_view workflow, std::string_view task);

/// The namespace that an event is matched in: empty and `DEFAULT` mean `default`.
std::string_view MatchingNamespace(std::string_view ns);

/// Spaces of idempotency keys. Keys from the wire get the first two prefixes only, so that no
/// client can take or forge a key of the engine.
///   w/{namespace}/{uuid}   given by a client or producer, scoped by namespace
///   c/{client}/{sequence}  `client_{id}_{seq}` of a registered client, global
///   i/...                  made by the engine
std::string WireEventId(std::string_view ns, std::string_view uuid);
std::string RequestEventId(std::string_view request_id);
std::string StatusReportEventId(const AttemptKey& attempt, TaskStatus status);
/// Of a report that the engine makes itself, as a consequence of the event at `offset`.
std::string EngineReportEventId(const AttemptKey& attempt, TaskStatus status, Offset offset);
std::string StatusChangedEventId(const AttemptKey& attempt, TaskStatus status);
std::string TimerEventId(const TimerFired& timer);
std::string AnswerEventId(const EvaluationAnswer& answer);
std::string HookResultEventId(const HookResult& result);
/// Of the replay of the event that was held at `offset`, when the suspension by this quarantined
/// event ends.
std::string ReplayEventId(const ReplayHeld& replay, Offset offset, DeadLetterId letter);
/// Of a quarantined event that is sent once more.
std::string ResentEventId(DeadLetterId letter);

}  // namespace aiflow
