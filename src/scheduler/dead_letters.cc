#include "scheduler/dead_letters.h"

#include <map>
#include <utility>
#include <variant>

#include "model/limits.h"

namespace aiflow {
namespace {

size_t SizeOf(const DeadLetterRow& letter) {
  constexpr size_t kOverheadBytes = 512;
  return kOverheadBytes + letter.event.key.size() + letter.event.value.size() +
         letter.event.context.size() + letter.error.size();
}

bool HasRoomFor(const Draft& draft, const DeadLetterRow& letter) {
  size_t bytes = SizeOf(letter);
  size_t of_owner = 0;
  for (const auto& [id, other] : draft.state().dead_letters) {
    bytes += SizeOf(other);
    const bool same = letter.execution_id.valid()
                          ? other.execution_id == letter.execution_id
                          : other.workflow_id == letter.workflow_id && other.trigger_id.valid();
    if (same) ++of_owner;
  }
  return of_owner < limits::kMaxDeadLetters && bytes <= limits::kMaxDeadLetterBytes;
}

}  // namespace

std::string ShortError(const std::string& error) {
  if (error.size() <= limits::kMaxErrorBytes) return error;
  size_t end = limits::kMaxErrorBytes - 3;
  while (end > 0 && (static_cast<unsigned char>(error[end]) & 0xc0) == 0x80) --end;
  return error.substr(0, end) + "...";
}

std::string AddDeadLetter(Draft& draft, const EvaluationRow& entry, RuleIndex rule,
                          int32_t question, const std::string& error) {
  DeadLetterRow letter;
  letter.execution_id = entry.execution_id;
  letter.trigger_id = entry.trigger_id;
  letter.workflow_id = entry.workflow_id;
  letter.task = entry.task;
  letter.rule = rule;
  letter.question = question;
  letter.decided = entry.decided;
  letter.event = entry.event;
  letter.time = draft.now();
  letter.error = ShortError(error);
  if (!HasRoomFor(draft, letter)) {
    return "not kept: as many failed events are as the limits allow (" +
           std::to_string(limits::kMaxDeadLetters) + " per execution or workflow)";
  }
  letter.id = DeadLetterId(++draft.counters().dead_letter);
  std::string kept = "kept as failed event " + std::to_string(letter.id.value());
  draft.Put(std::move(letter));
  return kept;
}

void DecideDeadLetters(Draft& draft, WorkflowId workflow, Offset offset) {
  std::map<DeadLetterId, DeadLetterRow> undecided;
  const auto take = [&](const DeadLetterRow& letter) {
    const bool is_one = letter.trigger_id.valid() && letter.workflow_id == workflow &&
                        letter.event.offset == offset && !letter.decided;
    if (is_one) undecided.insert_or_assign(letter.id, letter);
  };
  for (const auto& [id, letter] : draft.state().dead_letters) take(letter);
  for (const Change& change : draft.put()) {
    if (const auto* letter = std::get_if<DeadLetterRow>(&change)) take(*letter);
    if (const auto* erase = std::get_if<EraseDeadLetter>(&change)) undecided.erase(erase->id);
  }
  for (auto& [id, letter] : undecided) {
    letter.decided = true;
    draft.Put(std::move(letter));
  }
}

}  // namespace aiflow
