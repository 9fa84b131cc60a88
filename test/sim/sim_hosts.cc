#include "sim_hosts.h"

#include <iterator>
#include <string>

#include "checker.h"
#include "model/base64.h"

namespace aiflow::sim {

void SimHosts::Ask(ConditionQuestion question, Done done) {
  if (pulse_->dead) return;
  ++chaos_.counts.questions;
  checker_.OnQuestion(question.id);
  asked_.insert_or_assign(question.id, Asked{std::move(question), std::move(done)});
}

ConditionAnswer SimHosts::Think(const ConditionQuestion& question) {
  ConditionAnswer answer;
  if (chaos_.random.Percent(10)) {
    answer.error = "RuntimeError: by chance";
    return answer;
  }
  answer.met = chaos_.random.Percent(60);
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
  asked.done(Think(asked.question));
}

}  // namespace aiflow::sim
