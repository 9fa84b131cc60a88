#include "plugin/attempt_book.h"

#include <algorithm>

namespace aiflow::plugin {
namespace {

/// What of an attempt is needed no more once it is claimed.
void DropPayload(AttemptSpec& spec) {
  spec.argv = {};
  spec.env = {};
  spec.files = {};
  spec.secrets = {};
}

}  // namespace

// ---- What the server wants.

void AttemptBook::Expect(ExpectedAttempt expected, Instant now) {
  if (IsFinished(expected.status)) return;
  const std::string key = expected.spec.key.ToString();
  Attempt& attempt = attempts_[key];
  attempt.spec = std::move(expected.spec);
  attempt.stop = expected.stop;
  if (expected.status == TaskStatus::kRunning || expected.status == TaskStatus::kStopping) {
    attempt.claimed = true;
    SetPhase(attempt, Phase::kRunning);
  }
  Enqueue(key, attempt, now);
}

void AttemptBook::Start(AttemptSpec spec, Instant now) {
  const std::string key = spec.key.ToString();
  const auto [found, is_new] = attempts_.try_emplace(key);
  Attempt& attempt = found->second;
  if (!is_new) {
    // Asked again: say again what is known of it.
    if (!attempt.last.token.empty()) tidings_.reports.push_back(attempt.last);
    return;
  }
  attempt.spec = std::move(spec);
  attempt.asked = now;
  Enqueue(key, attempt, now);
}

void AttemptBook::Stop(const AttemptSpec& spec, Instant now) {
  const std::string key = spec.key.ToString();
  const auto [found, is_new] = attempts_.try_emplace(key);
  Attempt& attempt = found->second;
  if (is_new) attempt.spec = spec;
  if (attempt.phase == Phase::kEnded) {
    tidings_.reports.push_back(attempt.last);
    return;
  }
  attempt.stop = true;
  attempt.spec.stop_grace = spec.stop_grace;
  Enqueue(key, attempt, now);
}

void AttemptBook::Forget(const AttemptKey& key) {
  const std::string text = key.ToString();
  const auto found = attempts_.find(text);
  if (found != attempts_.end()) {
    if (found->second.phase != Phase::kEnded) {
      found->second.forget = true;
      return;
    }
    --ended_;
    attempts_.erase(found);
  }
  forgets_.insert(text);
}

// ---- What there is to say.

std::optional<AttemptBook::Verb> AttemptBook::Wanted(const Attempt& attempt) {
  if (attempt.phase == Phase::kEnded || attempt.under_way) return std::nullopt;
  // Who says that an attempt has failed must win its claim.
  if (attempt.lost) return Verb::kStart;
  if (attempt.stop) return attempt.stop_told ? std::nullopt : std::optional(Verb::kStop);
  return attempt.claimed ? std::nullopt : std::optional(Verb::kStart);
}

void AttemptBook::Unqueue(Attempt& attempt) {
  if (!attempt.queued_at.has_value()) return;
  const std::pair<Instant, uint64_t> place{*attempt.queued_at, attempt.queued_order};
  if (starts_.erase(place) == 0) stops_.erase(place);
  attempt.queued_at.reset();
}

void AttemptBook::Enqueue(const std::string& key, Attempt& attempt, Instant at) {
  Unqueue(attempt);
  const std::optional<Verb> verb = Wanted(attempt);
  if (!verb.has_value()) return;
  if (attempt.queued_order == 0) attempt.queued_order = next_order_++;
  attempt.queued_at = at;
  QueueOf(*verb).emplace(std::pair(at, attempt.queued_order), key);
}

std::optional<AttemptBook::Command> AttemptBook::Next(Instant now) {
  for (const Verb verb : {Verb::kStop, Verb::kStart}) {
    if (verb == Verb::kStart && now < starts_pause_until_) continue;
    Queue& queue = QueueOf(verb);
    if (queue.empty() || queue.begin()->first.first > now) continue;
    std::string key = queue.begin()->second;
    Attempt& attempt = attempts_.at(key);
    Unqueue(attempt);
    Command command{verb, std::move(key), attempt.spec};
    if (verb == Verb::kStart && attempt.lost) {
      command.spec.refusal = "executor " + executor_ + " no longer knows the attempt";
    } else if (verb == Verb::kStart) {
      counts_.starts += attempt.sent ? 0 : 1;
      counts_.replayed += attempt.sent ? 1 : 0;
      attempt.sent = true;
    }
    attempt.under_way = true;
    ++under_way_;
    return command;
  }
  return std::nullopt;
}

void AttemptBook::Answered(const std::string& key, Verb verb, Outcome outcome, Instant now) {
  --under_way_;
  const auto found = attempts_.find(key);
  if (found == attempts_.end()) return;  // it has ended and is forgotten by now
  Attempt& attempt = found->second;
  attempt.under_way = false;
  switch (outcome) {
    case Outcome::kDone:
      attempt.backoff.Reset();
      if (verb == Verb::kStart) starts_backoff_.Reset();
      if (verb == Verb::kStop) attempt.stop_told = true;
      SetClaimed(attempt);
      return Enqueue(key, attempt, now);  // a stop was asked for meanwhile
    case Outcome::kFull:
      // One pause for all that were refused together.
      if (starts_pause_until_ <= now) starts_pause_until_ = now + starts_backoff_.Next();
      return Enqueue(key, attempt, now);
    case Outcome::kRetry: return Enqueue(key, attempt, now + attempt.backoff.Next());
  }
}

std::vector<std::string> AttemptBook::NextForgets(size_t limit, Instant now) {
  if (!forgets_under_way_.empty() || now < forgets_pause_until_) return {};
  while (!forgets_.empty() && forgets_under_way_.size() < limit) {
    forgets_under_way_.push_back(std::move(forgets_.extract(forgets_.begin()).value()));
  }
  return forgets_under_way_;
}

std::vector<AttemptKey> AttemptBook::Forgotten(bool done, Instant now) {
  std::vector<AttemptKey> keys;
  for (std::string& key : std::exchange(forgets_under_way_, {})) {
    if (done) {
      if (const auto parsed = ParseAttemptKey(key); parsed.has_value()) keys.push_back(*parsed);
    } else {
      forgets_.insert(std::move(key));
    }
  }
  if (done) {
    forgets_backoff_.Reset();
  } else {
    forgets_pause_until_ = now + forgets_backoff_.Next();
  }
  return keys;
}

std::optional<AttemptBook::Instant> AttemptBook::NextDue() const {
  std::optional<Instant> next;
  const auto take = [&next](Instant at) { next = next.has_value() ? std::min(*next, at) : at; };
  if (!stops_.empty()) take(stops_.begin()->first.first);
  if (!starts_.empty()) take(std::max(starts_.begin()->first.first, starts_pause_until_));
  if (!forgets_.empty() && forgets_under_way_.empty()) take(forgets_pause_until_);
  return next;
}

void AttemptBook::Disconnected(Instant now) {
  for (std::string& key : std::exchange(forgets_under_way_, {})) forgets_.insert(std::move(key));
  under_way_ = 0;
  starts_pause_until_ = forgets_pause_until_ = now;
  for (auto& [key, attempt] : attempts_) {
    attempt.under_way = attempt.stop_told = false;
    Enqueue(key, attempt, now);
  }
}

void AttemptBook::Clear() {
  attempts_.clear();
  starts_.clear();
  stops_.clear();
  forgets_.clear();
  forgets_under_way_.clear();
  tidings_ = {};
  running_ = ended_ = 0;
  under_way_ = 0;
}

// ---- What the plug-in says.

void AttemptBook::SetPhase(Attempt& attempt, Phase phase) {
  running_ += static_cast<int>(phase == Phase::kRunning) -
              static_cast<int>(attempt.phase == Phase::kRunning);
  ended_ +=
      static_cast<int>(phase == Phase::kEnded) - static_cast<int>(attempt.phase == Phase::kEnded);
  attempt.phase = phase;
}

void AttemptBook::SetClaimed(Attempt& attempt) {
  if (attempt.phase == Phase::kNew) SetPhase(attempt, Phase::kAccepted);
  attempt.claimed = true;
  attempt.claimed_in = round_;
  attempt.lost = false;
  DropPayload(attempt.spec);
}

void AttemptBook::Refuse(std::string why) {
  ++counts_.refused;
  tidings_.complaints.push_back(std::move(why));
}

void AttemptBook::OnUnknown(const PluginReport& report) {
  const std::string key = report.key.ToString();
  // A server before this one has committed its end, and died before it said so.
  if (report.stage == Stage::kEnded) {
    forgets_.insert(key);
    return;
  }
  ++counts_.unknown;
  tidings_.complaints.push_back("it has attempt " + key +
                                ", which is nobody's: a backup was restored, or another server "
                                "uses it");
}

bool AttemptBook::IsNews(const Attempt& attempt, const PluginReport& report, bool listed) {
  switch (attempt.phase) {
    case Phase::kNew: return true;
    case Phase::kAccepted: return report.stage != Stage::kAccepted;
    case Phase::kRunning:
      // A list says that it has been adopted.
      return report.stage == Stage::kEnded || (report.stage == Stage::kRunning && listed);
    case Phase::kEnded: break;
  }
  if (report.stage == Stage::kEnded && report.report.status != attempt.last.status) {
    Refuse("it says that attempt " + report.key.ToString() + " is " +
           std::string(TaskStatusName(report.report.status)) + ", after it has said " +
           std::string(TaskStatusName(attempt.last.status)));
  }
  return false;
}

void AttemptBook::Report(PluginReport report, bool listed, Instant now) {
  const std::string key = report.key.ToString();
  const auto found = attempts_.find(key);
  if (found == attempts_.end()) {
    // Over the stream it may be the echo of what was just forgotten.
    if (listed) OnUnknown(report);
    return;
  }
  Attempt& attempt = found->second;
  if (report.token != attempt.spec.token) {
    return Refuse("a report of attempt " + key + " has another token than the attempt");
  }
  if (listed) attempt.listed_in = round_;
  if (!IsNews(attempt, report, listed)) return;
  SetClaimed(attempt);
  if (report.stage == Stage::kAccepted) return Enqueue(key, attempt, now);
  AttemptReport& told = report.report;
  told.final_failure |= told.status == TaskStatus::kFailed && attempt.spec.final_exit_code >= 0 &&
                        told.exit_code == attempt.spec.final_exit_code;
  if (attempt.last.token.empty() && !attempt.spec.log_link.empty()) {
    tidings_.links.emplace_back(attempt.spec.log_link, attempt.spec.key);
  }
  if (attempt.asked.has_value()) {
    if (told.status == TaskStatus::kRunning) tidings_.starts.push_back(now - *attempt.asked);
    attempt.asked.reset();
  }
  SetPhase(attempt, report.stage == Stage::kEnded ? Phase::kEnded : Phase::kRunning);
  attempt.last = std::move(told);
  tidings_.reports.push_back(attempt.last);
  Enqueue(key, attempt, now);
  if (attempt.phase != Phase::kEnded || !attempt.forget) return;
  forgets_.insert(key);
  --ended_;
  attempts_.erase(found);
}

void AttemptBook::EndList(Instant now) {
  for (auto& [key, attempt] : attempts_) {
    if (!attempt.claimed || attempt.phase == Phase::kEnded || attempt.listed_in == round_ ||
        attempt.claimed_in == round_ || attempt.lost) {
      continue;
    }
    attempt.lost = true;
    ++counts_.lost;
    Enqueue(key, attempt, now);
  }
}

}  // namespace aiflow::plugin
