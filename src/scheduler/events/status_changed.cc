#include "model/status_changed.h"

#include "scheduler/events/events.h"
#include "scheduler/parts.h"
#include "scheduler/rules.h"
#include "scheduler/trigger_rules.h"

namespace aiflow {

void OnStatusChanged(Draft& draft) {
  const Event& event = draft.event();
  const auto expecting = draft.state().expecting_foreign.find(event.key);
  const bool expected = expecting != draft.state().expecting_foreign.end();
  if (!expected && !draft.state().triggers_by_status.contains(event.key)) return;
  Occurrence occurrence;
  occurrence.key = event.key;
  occurrence.status = StatusOf(event);
  if (!occurrence.status.has_value()) return;
  occurrence.text =
      "event '" + event.key + "' (" + std::string(TaskStatusName(*occurrence.status)) + ")";
  const EventFields fields(event);
  occurrence.fields = &fields;
  if (!ApplyTriggers(draft, occurrence) || !expected) return;
  VisitInParts(draft, expecting->second, [&](ExecutionDraft& execution) {
    if (!execution.running() || draft.offset() <= execution.row().created_offset ||
        draft.offset() <= execution.row().event_offset) {
      return;
    }
    execution.Edit().event_offset = draft.offset();
    ApplyRules(execution, occurrence, execution.workflow().by_foreign_key().at(event.key));
  });
}

}  // namespace aiflow
