#include "scheduler/rules.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/check.h"
#include "scheduler/evaluations.h"
#include "scheduler/task_actions.h"

namespace aiflow {
namespace {

class DraftScope final : public RuleScope {
 public:
  DraftScope(ExecutionDraft& execution, const Occurrence& occurrence, const TaskStatuses& tasks,
             RuleRef ref, const Answers& answers)
      : execution_(execution),
        occurrence_(occurrence),
        tasks_(tasks),
        ref_(ref),
        answers_(answers) {}

  const Occurrence& occurrence() const override { return occurrence_; }
  const TaskStatuses& tasks() const override { return tasks_; }

  bool Slot(int32_t slot) const override {
    const RuleStateRow* row = execution_.FindRuleState(ref_);
    const auto index = static_cast<size_t>(slot);
    return row != nullptr && index < row->slots.size() && row->slots[index] != 0;
  }
  // A row is written only when it changes.
  void SetSlot(int32_t slot, bool met) override {
    if (Slot(slot) == met) return;
    std::vector<uint8_t>& slots = execution_.EditRuleState(ref_).slots;
    const auto index = static_cast<size_t>(slot);
    if (index >= slots.size()) slots.resize(index + 1, 0);
    slots[index] = met ? 1 : 0;
  }

  int64_t Fired(int32_t position) const override {
    const RuleStateRow* row = execution_.FindRuleState(ref_);
    const auto index = static_cast<size_t>(position);
    return row == nullptr || index >= row->fired.size() ? 0 : row->fired[index].second;
  }
  void SetFired(int32_t position, TaskIndex task, int64_t sequence) override {
    std::vector<std::pair<TaskIndex, int64_t>>& fired = execution_.EditRuleState(ref_).fired;
    const auto index = static_cast<size_t>(position);
    if (index >= fired.size()) fired.resize(index + 1, {0, 0});
    fired[index] = {task, sequence};
  }
  std::optional<bool> Answer(int32_t question) const override {
    const auto index = static_cast<size_t>(question);
    return index < answers_.size() ? answers_[index] : std::nullopt;
  }

 private:
  ExecutionDraft& execution_;
  const Occurrence& occurrence_;
  const TaskStatuses& tasks_;
  const RuleRef ref_;
  const Answers& answers_;
};

const Answers kNoAnswers;

std::string_view ActionName(TaskAction action) {
  switch (action) {
    case TaskAction::kStart: return "START";
    case TaskAction::kStop: return "STOP";
    case TaskAction::kRestart: return "RESTART";
  }
  return "";
}

/// `cause`: the offset of the event, which may have waited.
void Act(ExecutionDraft& execution, const Occurrence& occurrence, Offset cause, RuleRef ref) {
  const TaskAction action = execution.workflow().rule(ref).action;
  const Offset now = execution.draft().offset();
  Why why;
  why.rule = ref.rule;
  why.stop_cause = StopCause::kRule;
  why.cause = cause;
  why.text = std::string(ActionName(action)) + " by rule " + std::to_string(ref.rule + 1) + ": " +
             occurrence.text + " at offset " + std::to_string(cause);
  if (cause != now) why.text += ", answered at offset " + std::to_string(now);
  switch (action) {
    case TaskAction::kStart: StartTask(execution, ref.task, why); break;
    case TaskAction::kRestart: RestartTask(execution, ref.task, why); break;
    case TaskAction::kStop:
      StopTask(execution, ref.task, why);  // a task that never ran: nothing to do
      break;
  }
}

/// All rules in [begin, end), which are of one task, observe; the first met one.
template <typename Iterator>
std::optional<RuleRef> Look(ExecutionDraft& execution, const Occurrence& occurrence, Iterator begin,
                            Iterator end) {
  std::optional<RuleRef> winner;
  for (auto ref = begin; ref != end; ++ref) {
    DraftScope scope(execution, occurrence, execution, *ref, kNoAnswers);
    const Condition& condition = *execution.workflow().rule(*ref).condition;
    condition.Observe(scope, /*latch=*/false);
    if (!winner.has_value() && condition.Met(scope)) winner = *ref;
  }
  return winner;
}

bool MustAsk(const ExecutionDraft& execution, RuleRef ref, std::string_view key) {
  const std::vector<Question>& questions = execution.workflow().rule(ref).questions;
  return std::any_of(questions.begin(), questions.end(), [key](const Question& question) {
    return std::find(question.keys.begin(), question.keys.end(), key) != question.keys.end();
  });
}

}  // namespace

void ApplyRules(ExecutionDraft& execution, const Occurrence& occurrence,
                const std::vector<RuleRef>& refs) {
  CHECK(execution.running()) << "execution " << execution.id() << " takes no events";
  const int32_t ordinal = execution.NextOrdinal();
  std::vector<RuleRef> winners;
  bool has_room = true;
  for (auto begin = refs.begin(); begin != refs.end();) {
    const TaskIndex task = begin->task;
    const auto end =
        std::find_if(begin, refs.end(), [task](RuleRef ref) { return ref.task != task; });
    const bool behind = execution.evaluations().Holds(task);
    const auto waits = behind ? begin : std::find_if(begin, end, [&](RuleRef ref) {
      return MustAsk(execution, ref, occurrence.key);
    });
    const std::optional<RuleRef> winner = Look(execution, occurrence, begin, waits);
    if (winner.has_value()) winners.push_back(*winner);
    if (waits != end && has_room) {
      has_room = EnqueueRules(execution, occurrence, task, ordinal, winner.has_value());
    }
    begin = end;
  }
  if (!has_room) return FailForTooManyEvaluations(execution);
  // A firing is used up also when its action turns out to be ignored; and before any action changes
  // what the conditions look at.
  for (const RuleRef ref : winners) {
    DraftScope scope(execution, occurrence, execution, ref, kNoAnswers);
    execution.workflow().rule(ref).condition->Consume(scope);
  }
  for (const RuleRef ref : winners) Act(execution, occurrence, execution.draft().offset(), ref);
}

void ApplyWaitingRules(ExecutionDraft& execution, const PastEvent& event,
                       const std::vector<RuleRef>& refs) {
  CHECK(execution.running()) << "execution " << execution.id() << " takes no events";
  std::optional<RuleRef> winner;
  for (const RuleRef ref : refs) {
    const Answers answers = event.answers(ref.rule);
    DraftScope scope(execution, event.occurrence, event.tasks, ref, answers);
    const Condition& condition = *execution.workflow().rule(ref).condition;
    condition.Observe(scope, /*latch=*/false);
    if (!event.decided && !winner.has_value() && condition.Met(scope)) winner = ref;
  }
  if (!winner.has_value()) return;
  const Answers answers = event.answers(winner->rule);
  DraftScope scope(execution, event.occurrence, event.tasks, *winner, answers);
  execution.workflow().rule(*winner).condition->Consume(scope);
  Act(execution, event.occurrence, event.offset, *winner);
}

void ForgetEvents(ExecutionDraft& execution, RuleRef ref) {
  const Occurrence nothing;
  DraftScope scope(execution, nothing, execution, ref, kNoAnswers);
  execution.workflow().rule(ref).condition->ClearEvents(scope);
}

}  // namespace aiflow
