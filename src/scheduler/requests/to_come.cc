#include "scheduler/requests/handlers.h"
#include "scheduler/trigger_rules.h"

// Requests whose handlers are still to come; each line goes when its handler arrives.
namespace aiflow {
namespace {
void ToCome(Draft& draft) { draft.Reply(Code::kUnimplemented, "not there yet"); }
}  // namespace

void Handle(Draft& draft, const DeleteSnapshots& /*request*/) { ToCome(draft); }
void Handle(Draft& draft, const AddTrigger& /*request*/) { ToCome(draft); }
void Handle(Draft& draft, const DeleteTrigger& /*request*/) { ToCome(draft); }
void Handle(Draft& draft, const DeleteTriggers& /*request*/) { ToCome(draft); }
void Handle(Draft& draft, const SetTriggerPaused& /*request*/) { ToCome(draft); }
void Handle(Draft& draft, const EvaluationAnswer& /*request*/) { ToCome(draft); }
void Handle(Draft& draft, const HookResult& /*request*/) { ToCome(draft); }
void Handle(Draft& draft, const RetireRows& /*request*/) { ToCome(draft); }
void Handle(Draft& draft, const RetryDeadLetter& /*request*/) { ToCome(draft); }
void Handle(Draft& draft, const DropDeadLetter& /*request*/) { ToCome(draft); }

bool ApplyTrigger(Draft& /*draft*/, TriggerId /*trigger*/, const Occurrence& /*occurrence*/,
                  const Event& /*event*/, const Answers& /*answers*/, bool /*decided*/) {
  return false;
}

}  // namespace aiflow
