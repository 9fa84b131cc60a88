#include "sim_executor.h"

#include <utility>

#include "checker.h"

namespace aiflow::sim {

bool SimExecutor::Refused(Epoch epoch, const char* what) {
  if (epoch < highest_epoch_) {
    chaos_.Note(std::string("executor refuses ") + what + " of epoch " + std::to_string(epoch));
    return true;
  }
  highest_epoch_ = epoch;
  return false;
}

void SimExecutor::CheckPlace(const AttemptSpec& spec) {
  const auto found = attempts_.find(spec.key);
  if (found == attempts_.end() || found->second.executor == spec.executor) return;
  chaos_.Fail("attempt " + spec.key.ToString() + " was sent to executor '" +
              found->second.executor + "' and is now looked for at '" + spec.executor + "'");
}

Status SimExecutor::Open(Epoch epoch, const std::vector<ExpectedAttempt>& expected,
                         TaskExecutor::ReportSink sink) {
  if (Refused(epoch, "open")) return Status(Code::kAborted, "stale epoch");
  sink_ = std::move(sink);
  reports_.clear();
  std::map<AttemptKey, const ExpectedAttempt*> by_key;
  for (const ExpectedAttempt& next : expected) by_key.emplace(next.spec.key, &next);
  for (const AttemptKey& key : InPhase(Phase::kRunning)) {
    if (!by_key.contains(key)) {
      chaos_.Fail("attempt " + key.ToString() + " runs, but the server does not expect it");
    }
  }
  for (const auto& [key, next] : by_key) {
    CheckPlace(next->spec);
    const auto found = attempts_.find(key);
    if (found != attempts_.end() && found->second.phase != Phase::kHanded) {
      if (chaos_.mutant == Mutant::kExecutorLosesResult && found->second.phase == Phase::kEnded) {
        continue;
      }
      found->second.stop = found->second.stop || next->stop;
      ReportAgain(key, found->second);
      continue;
    }
    if (next->status == TaskStatus::kQueued) {
      checker_.OnHandOver(key, OutboxKind::kStartAttempt);
      Hand(next->spec);
      if (next->stop) Stop(next->spec);
      continue;
    }
    // An outline without a command stands for an attempt that cannot be planned.
    if (!next->spec.argv.empty()) {
      chaos_.Fail("attempt " + key.ToString() + " is " + std::string(TaskStatusName(next->status)) +
                  " for the server, but was never claimed");
    }
    Hand(next->spec);
    End(key, attempts_.at(key), TaskStatus::kFailed, "attempt directory lost");
  }
  return Status::Ok();
}

void SimExecutor::Hand(const AttemptSpec& spec) {
  Attempt& attempt = attempts_[spec.key];
  if (attempt.token.empty()) {
    attempt.token = spec.token;
    attempt.executor = spec.executor;
    ++handed_;
  }
}

void SimExecutor::Start(const AttemptSpec& spec) {
  if (Refused(spec.epoch, "start")) return;
  CheckPlace(spec);
  checker_.OnHandOver(spec.key, OutboxKind::kStartAttempt);
  const auto found = attempts_.find(spec.key);
  if (found == attempts_.end()) {
    Hand(spec);
    if (!spec.refusal.empty()) {
      End(spec.key, attempts_.at(spec.key), TaskStatus::kFailed, spec.refusal);
    }
    return;
  }
  if (chaos_.mutant == Mutant::kExecutorStartsTwice && found->second.phase == Phase::kRunning) {
    Claim(spec.key, found->second);
    return;
  }
  ReportAgain(spec.key, found->second);
}

void SimExecutor::Stop(const AttemptSpec& spec) {
  if (Refused(spec.epoch, "stop")) return;
  CheckPlace(spec);
  checker_.OnHandOver(spec.key, OutboxKind::kStopAttempt);
  const auto found = attempts_.find(spec.key);
  if (found == attempts_.end()) {
    Hand(spec);
    End(spec.key, attempts_.at(spec.key), TaskStatus::kFailed, "attempt directory lost");
  } else if (found->second.phase == Phase::kHanded) {
    End(spec.key, found->second, TaskStatus::kStopped, "stopped before it started");
  } else if (found->second.phase == Phase::kRunning) {
    found->second.stop = true;
  } else {
    ReportAgain(spec.key, found->second);
  }
}

void SimExecutor::Forget(const AttemptKey& key) {
  const auto found = attempts_.find(key);
  std::optional<TaskStatus> result;
  if (found != attempts_.end()) {
    if (found->second.phase != Phase::kEnded) {
      chaos_.Fail("attempt " + key.ToString() + " is final for the server, but not ended");
    }
    result = found->second.result;
    found->second.forgotten = true;
  }
  checker_.OnForget(key, result);
}

void SimExecutor::ServerCrash() {
  sink_ = nullptr;
  reports_.clear();
  for (const AttemptKey& key : InPhase(Phase::kHanded)) {
    if (chaos_.random.Percent(50)) {
      attempts_.erase(key);
      --handed_;
    }
  }
}

std::vector<AttemptKey> SimExecutor::InPhase(Phase phase) const {
  std::vector<AttemptKey> keys;
  for (const auto& [key, attempt] : attempts_) {
    if (attempt.phase == phase) keys.push_back(key);
  }
  return keys;
}

void SimExecutor::Claim(const AttemptKey& key, Attempt& attempt) {
  for (const auto& [other, entry] : attempts_) {
    if (entry.phase == Phase::kRunning && other.execution == key.execution &&
        other.task == key.task) {
      chaos_.Fail("attempt " + key.ToString() + " starts while " + other.ToString() + " runs");
    }
  }
  if (++attempt.processes > 1) chaos_.Fail("attempt " + key.ToString() + " started twice");
  ++chaos_.counts.attempts;
  if (attempt.phase == Phase::kHanded) --handed_;
  if (attempt.phase != Phase::kRunning) ++running_;
  attempt.phase = Phase::kRunning;
  chaos_.Note("executor claims " + key.ToString());
  reports_.push_back({key, TaskStatus::kRunning});
}

void SimExecutor::End(const AttemptKey& key, Attempt& attempt, TaskStatus result,
                      std::string reason) {
  if (attempt.phase == Phase::kHanded) --handed_;
  if (attempt.phase == Phase::kRunning) --running_;
  attempt.phase = Phase::kEnded;
  attempt.result = result;
  attempt.reason = std::move(reason);
  chaos_.Note("executor ends " + key.ToString() + " " + std::string(TaskStatusName(result)));
  reports_.push_back({key, result});
}

void SimExecutor::ReportAgain(const AttemptKey& key, const Attempt& attempt) {
  if (attempt.forgotten || attempt.phase == Phase::kHanded) return;
  if (attempt.processes > 0) reports_.push_back({key, TaskStatus::kRunning});
  if (attempt.phase == Phase::kEnded) reports_.push_back({key, attempt.result});
}

void SimExecutor::Tick(bool calm) {
  switch (chaos_.random.Below(4)) {
    case 0:
      if (const auto handed = InPhase(Phase::kHanded); !handed.empty()) {
        const AttemptKey key = chaos_.random.Pick(handed);
        Claim(key, attempts_.at(key));
      }
      return;
    case 1:
      if (const auto running = InPhase(Phase::kRunning); !running.empty()) {
        const AttemptKey key = chaos_.random.Pick(running);
        Attempt& attempt = attempts_.at(key);
        if (!calm && !attempt.stop && chaos_.random.Percent(50)) return;  // it goes on
        TaskStatus result = chaos_.random.Percent(75) ? TaskStatus::kSuccess : TaskStatus::kFailed;
        if (attempt.stop && chaos_.random.Percent(80)) result = TaskStatus::kStopped;
        End(key, attempt, result, {});
      }
      return;
    default: Deliver(calm);
  }
}

void SimExecutor::Deliver(bool calm) {
  if (!sink_) return;
  if (!calm && chaos_.random.PerMille(10)) Forge();
  if (reports_.empty()) return;
  // Mostly in order, sometimes not.
  const size_t at =
      chaos_.random.Percent(80)
          ? 0
          : static_cast<size_t>(chaos_.random.Below(static_cast<int64_t>(reports_.size())));
  const Hint hint = reports_[at];
  if (calm || chaos_.random.Percent(85)) {
    reports_.erase(reports_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  const Attempt& attempt = attempts_.at(hint.key);
  sink_({.key = hint.key,
         .token = attempt.token,
         .status = hint.status,
         .pid = 1000 + hint.key.sequence,
         .reason = hint.status == TaskStatus::kRunning ? std::string() : attempt.reason});
}

void SimExecutor::Forge() {
  const auto running = InPhase(Phase::kRunning);
  if (running.empty()) return;
  chaos_.Note("a forged report arrives");
  sink_({.key = chaos_.random.Pick(running), .token = "forged", .status = TaskStatus::kSuccess});
}

}  // namespace aiflow::sim
