#include "scheduler/evaluations.h"
#include "scheduler/requests/handlers.h"

// Requests whose handlers are still to come; each line goes when its handler arrives.
namespace aiflow {
namespace {
void ToCome(Draft& draft) { draft.Reply(Code::kUnimplemented, "not there yet"); }
}  // namespace

void Handle(Draft& draft, const DeleteSnapshots& /*request*/) { ToCome(draft); }
void Handle(Draft& draft, const EvaluationAnswer& /*request*/) { ToCome(draft); }
void Handle(Draft& draft, const HookResult& /*request*/) { ToCome(draft); }
void Handle(Draft& draft, const RetireRows& /*request*/) { ToCome(draft); }
void Handle(Draft& draft, const RetryDeadLetter& /*request*/) { ToCome(draft); }
void Handle(Draft& draft, const DropDeadLetter& /*request*/) { ToCome(draft); }

bool MustWait(Draft& draft, TriggerId trigger, std::string_view key) {
  for (const Question& question : draft.state().triggers.at(trigger).compiled->questions) {
    for (const std::string& heard : question.keys) {
      if (heard == key) return true;
    }
  }
  return false;
}
void EnqueueTriggerEvaluation(Draft& /*draft*/, TriggerId /*trigger*/, bool /*decided*/) {}
void DecideTriggerEvaluations(Draft& /*draft*/, WorkflowId /*workflow*/, Offset /*offset*/) {}

}  // namespace aiflow
