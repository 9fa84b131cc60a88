#include "scheduler/evaluations.h"
#include "scheduler/requests/handlers.h"

// Requests whose handlers are still to come; each line goes when its handler arrives.
namespace aiflow {
namespace {
void ToCome(Draft& draft) { draft.Reply(Code::kUnimplemented, "not there yet"); }
void ReplyNoDeadLetter(Draft& draft, int64_t id) {
  draft.Reply(Code::kNotFound, "failed event " + std::to_string(id) + " does not exist");
}
}  // namespace

void Handle(Draft& draft, const EvaluationAnswer& /*request*/) { ToCome(draft); }
void Handle(Draft& draft, const RetryDeadLetter& request) {
  if (draft.state().dead_letters.contains(DeadLetterId(request.dead_letter_id))) {
    return ToCome(draft);
  }
  ReplyNoDeadLetter(draft, request.dead_letter_id);
}
void Handle(Draft& draft, const DropDeadLetter& request) {
  const DeadLetterId id(request.dead_letter_id);
  if (!draft.state().dead_letters.contains(id)) return ReplyNoDeadLetter(draft, id.value());
  draft.Put(EraseDeadLetter{id});
  draft.Reply(Code::kOk, "failed event " + std::to_string(id.value()) + " dropped", id.value());
}

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
