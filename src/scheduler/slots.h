#pragma once

#include "scheduler/draft.h"

namespace aiflow {

/// Gives slots to the runs that wait for one, in the order of priority and age, as far as the
/// executor's pool, their own pools and the concurrency of their workflows allow: a run that has
/// its slot is sent to the executor. Within a class (same pool and workflow) nobody overtakes the
/// first. What has to wait says for what. Called once per event, after all its effects.
void GrantSlots(Draft& draft);

}  // namespace aiflow
