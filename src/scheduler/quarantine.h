#pragma once

#include <cstdint>

#include "scheduler/draft.h"
#include "scheduler/treatment.h"

/// What becomes of an event that took the server down again and again (rule 22), and how a person
/// ends it. See scheduler/suspensions.h.
namespace aiflow {

/// Decides that the current event is quarantined; of an event under way, what is left of it. True:
/// the event is to be routed, which finds and suspends its receivers instead.
bool QuarantineEvent(Draft& draft, Treatment treatment);

/// An earlier part of the current decision has quarantined the event.
bool IsQuarantined(const Draft& draft);

/// The letter is a quarantined event.
bool IsQuarantine(const DeadLetterRow& letter);

/// The quarantined event comes to its receivers once more, or (`drop`) never does; then whatever
/// else is held for them. In parts; answers with the last one.
void ReleaseQuarantine(Draft& draft, const DeadLetterRow& letter, bool drop);

}  // namespace aiflow
