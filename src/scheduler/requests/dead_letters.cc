#include <string>

#include "scheduler/evaluations.h"
#include "scheduler/quarantine.h"
#include "scheduler/requests/handlers.h"

namespace aiflow {
namespace {

/// As the API names a dead letter.
std::string Subject(int64_t id) { return "failed event " + std::to_string(id); }

/// Answers and returns null when there is none.
const DeadLetterRow* Find(Draft& draft, int64_t id) {
  const auto found = draft.state().dead_letters.find(DeadLetterId(id));
  if (found != draft.state().dead_letters.end()) return &found->second;
  draft.Reply(Code::kNotFound, Subject(id) + " does not exist");
  return nullptr;
}

}  // namespace

void Handle(Draft& draft, const RetryDeadLetter& request) {
  const DeadLetterRow* letter = Find(draft, request.dead_letter_id);
  if (letter == nullptr) return;
  if (IsQuarantine(*letter)) return ReleaseQuarantine(draft, *letter, /*drop=*/false);
  const std::string subject = Subject(request.dead_letter_id);
  const Receiver receiver{letter->execution_id,
                          letter->execution_id.valid() ? WorkflowId() : letter->workflow_id};
  if (const std::string suspended = SuspendedText(draft.state(), receiver); !suspended.empty()) {
    return draft.Reply(Code::kFailedPrecondition,
                       subject + " cannot be asked again: its owner is " + suspended);
  }
  if (const Status asked = AskAgain(draft, *letter); !asked.ok()) {
    return draft.Reply(asked.code(), subject + " cannot be asked again: " + asked.message());
  }
  draft.Put(EraseDeadLetter{letter->id});
  draft.Reply(Code::kOk, subject + " is asked again", request.dead_letter_id);
}

void Handle(Draft& draft, const DropDeadLetter& request) {
  const DeadLetterRow* letter = Find(draft, request.dead_letter_id);
  if (letter == nullptr) return;
  if (IsQuarantine(*letter)) return ReleaseQuarantine(draft, *letter, /*drop=*/true);
  draft.Put(EraseDeadLetter{letter->id});
  draft.Reply(Code::kOk, Subject(request.dead_letter_id) + " dropped", request.dead_letter_id);
}

}  // namespace aiflow
