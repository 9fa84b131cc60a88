#include "model/event_keys.h"
#include "model/requests.h"
#include "scheduler/events/events.h"
#include "scheduler/parts.h"
#include "scheduler/rules.h"
#include "scheduler/trigger_rules.h"

namespace aiflow {
namespace {

const std::vector<RuleRef> kNoRules;

const std::vector<RuleRef>& Expecting(const CompiledWorkflow& workflow, const std::string& key) {
  const auto found = workflow.by_event_key().find(key);
  return found == workflow.by_event_key().end() ? kNoRules : found->second;
}

void Deliver(ExecutionDraft& execution, const Occurrence& occurrence) {
  const Draft& draft = execution.draft();
  if (!execution.running()) return;
  // It sees what comes after the event that created it, and everything once.
  if (draft.offset() <= execution.row().created_offset ||
      draft.offset() <= execution.row().event_offset) {
    return;
  }
  execution.Edit().event_offset = draft.offset();
  ApplyRules(execution, occurrence, Expecting(execution.workflow(), draft.event().key));
}

}  // namespace

void OnUserEvent(Draft& draft) {
  const Event& event = draft.event();
  Occurrence occurrence;
  occurrence.key = event.key;
  occurrence.text = "event '" + event.key + "'";
  const EventFields fields(event);
  occurrence.fields = &fields;
  if (!ApplyTriggers(draft, occurrence)) return;
  if (const std::optional<ExecutionId> id = ExecutionOf(event, nullptr)) {
    if (ExecutionDraft* execution = draft.Receive(*id)) Deliver(*execution, occurrence);
    return;
  }
  const auto expecting =
      draft.state().expecting_event.find({std::string(MatchingNamespace(event.ns)), event.key});
  if (expecting == draft.state().expecting_event.end()) return;
  VisitInParts(draft, expecting->second,
               [&](ExecutionDraft& execution) { Deliver(execution, occurrence); });
}

}  // namespace aiflow
