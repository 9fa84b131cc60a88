// The log filters of attempts with secrets: the part of Supervisor that keeps them at work.
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "runner/log_filter.h"
#include "runner/supervisor.h"

namespace aiflow::runner {
namespace {

/// How long the end of an attempt waits for its log to be complete.
constexpr int64_t kFilterPatienceMs = 2'000;
/// Before another filter is tried where one could not be started.
constexpr int64_t kFilterPauseMs = 1'000;
/// Whose filter is killed more often has it no more, but is still read from.
constexpr int kMaxFilterRestarts = 100;

}  // namespace

void Supervisor::FindFilter(Attempt& attempt) {
  const auto record = ReadFilterRecord(attempt.dir);
  if (!record) return;
  attempt.filtered = true;
  if (record->done || !attempt.same_machine || WatchFilter(attempt)) return;
  // It may have come to its end just now.
  const auto again = ReadFilterRecord(attempt.dir);
  if (!again || !again->done) RestartFilter(attempt);
}

bool Supervisor::WatchFilter(Attempt& attempt) {
  const auto record = ReadFilterRecord(attempt.dir);
  if (!record || record->pid <= 0) return false;
  const int pidfd = OpenPidfd(record->pid);
  if (pidfd < 0) return false;
  const auto found = ReadProcessStat(record->pid);
  if (found && found->start_time == record->start_time && found->state != 'Z' &&
      watcher_.Watch(pidfd, attempt.id, Part::kFilter)) {
    attempt.filter_pidfd = pidfd;
    return true;
  }
  close(pidfd);
  return false;
}

void Supervisor::RestartFilter(Attempt& attempt) {
  const bool masks = !attempt.secrets.empty() && ++attempt.filter_restarts <= kMaxFilterRestarts;
  std::fprintf(stderr, "attempt %s: its log filter has gone; another one %s\n", attempt.key.c_str(),
               masks ? "takes its place" : "drops what it says, as its secrets are not known");
  const Status started = masks ? StartLogFilter(attempt.dir, attempt.secrets, FilterTask::kTakeUp)
                               : StartLogFilter(attempt.dir, {}, FilterTask::kDiscard);
  if (started.ok() && WatchFilter(attempt)) return;
  if (!started.ok()) {
    std::fprintf(stderr, "attempt %s: %s\n", attempt.key.c_str(), started.message().c_str());
  }
  unfiltered_.insert(attempt.id);
  filters_due_ = MonotonicMillis() + kFilterPauseMs;
}

void Supervisor::RetryFilters(int64_t now) {
  if (unfiltered_.empty() || now < filters_due_) return;
  for (const uint64_t id : std::exchange(unfiltered_, {})) {
    const auto found = attempts_.find(id);
    if (found == attempts_.end() || found->second->state == State::kEnded) continue;
    if (found->second->filter_pidfd < 0) FindFilter(*found->second);
  }
}

void Supervisor::OnFilterEnded(Attempt& attempt) {
  if (attempt.filter_pidfd < 0) return;
  watcher_.Unwatch(attempt.filter_pidfd);
  close(std::exchange(attempt.filter_pidfd, -1));
  if (attempt.state == State::kEnded) return;
  const auto record = ReadFilterRecord(attempt.dir);
  if (record && !record->done) RestartFilter(attempt);
  if (attempt.state == State::kCleaning) Clean(attempt);
}

bool Supervisor::IsFiltered(Attempt& attempt) {
  if (attempt.verdict) return true;
  // Of one that another runner has started, the filter may have come after we looked.
  if (!attempt.filtered && !attempt.is_child) FindFilter(attempt);
  if (!attempt.filtered) return true;
  const auto record = ReadFilterRecord(attempt.dir);
  if (record && record->done) return true;
  if (attempt.same_machine) {
    const int64_t now = MonotonicMillis();
    if (attempt.filter_deadline == 0) attempt.filter_deadline = now + kFilterPatienceMs;
    if (now < attempt.filter_deadline) {
      Schedule(attempt, attempt.filter_deadline);
      return false;
    }
    std::fprintf(stderr, "attempt %s: its log filter does not end; its log is not complete yet\n",
                 attempt.key.c_str());
  }
  MaskAttemptFiles(attempt.dir, attempt.secrets);
  return true;
}

}  // namespace aiflow::runner
