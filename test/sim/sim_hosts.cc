#include "sim_hosts.h"

#include <iterator>
#include <string>

#include "checker.h"
#include "model/base64.h"
#include "reference.h"

namespace aiflow::sim {

Verdict ReferenceVerdict(uint64_t seed, OutboxId question) {
  const int64_t dice =
      SimRandom(seed * 1'000'003 + static_cast<uint64_t>(question.value())).Below(100);
  return dice < 50 ? Verdict::kMet : dice < 75 ? Verdict::kNotMet : Verdict::kError;
}

void SimHosts::Ask(ConditionQuestion question, Done done) {
  if (pulse_->dead) return;
  ++chaos_.counts.questions;
  checker_.OnQuestion(question.id);
  asked_.insert_or_assign(question.id, Asked{std::move(question), std::move(done)});
}

ConditionAnswer SimHosts::Think(const ConditionQuestion& question) {
  ConditionAnswer answer;
  Verdict verdict = chaos_.random.Percent(20)   ? Verdict::kError
                    : chaos_.random.Percent(60) ? Verdict::kMet
                                                : Verdict::kNotMet;
  if (question.workflow == kReferenceWorkflow || question.workflow == kReachedWorkflow) {
    verdict = ReferenceVerdict(chaos_.seed, question.id);
  }
  answer.met = verdict == Verdict::kMet;
  if (verdict == Verdict::kError) {
    chaos_.Meet(Met::kErrorAnswer);
    answer.met = chaos_.mutant == Mutant::kErrorCountsAsMet;
    if (answer.met) return answer;
    // What cannot be read is an error, too.
    if (chaos_.random.Percent(20)) {
      answer.states_json = "{\"answers\": 1}";
    } else {
      answer.error = "RuntimeError: by chance";
    }
    return answer;
  }
  int64_t count = 0;
  for (const StateRow& state : question.states) {
    if (state.name == kAnswersState) count = std::stoll(state.value);
  }
  answer.states_json = "{\"" + std::string(kAnswersState) + "\":\"" +
                       Base64Encode(std::to_string(count + 1)) + "\"}";
  return answer;
}

void SimHosts::Tick(bool calm) {
  if (asked_.empty() || pulse_->dead) return;
  const auto next =
      std::next(asked_.begin(), chaos_.random.Below(static_cast<int64_t>(asked_.size())));
  const Asked asked = next->second;
  const bool twice = !calm && chaos_.random.Percent(5);
  if (!twice) asked_.erase(next);
  if (twice) chaos_.Meet(Met::kAnswerTwice);
  asked.done(Think(asked.question));
}

}  // namespace aiflow::sim
