// The bound of the logs: the part of Supervisor that gives back their disk space.
#include <cstdio>

#include "runner/attempt_files.h"
#include "runner/log_bound.h"
#include "runner/supervisor.h"

namespace aiflow::runner {
namespace {

/// How often the logs of running attempts are looked at; between that they may outgrow their bound.
constexpr int64_t kLogPauseMs = 10'000;

}  // namespace

void Supervisor::BoundLogs(int64_t now) {
  if (now < logs_due_) return;
  logs_due_ = now + kLogPauseMs;
  for (const auto& [id, attempt] : attempts_) {
    if (attempt->state == State::kRunning || attempt->state == State::kCleaning) {
      BoundLogOf(*attempt);
    }
  }
}

void Supervisor::BoundLogOf(const Attempt& attempt) {
  if (attempt.log_max_bytes <= 0) return;
  const LogCut cut = BoundLog(LogPath(attempt.dir), attempt.log_max_bytes);
  if (cut != LogCut::kImpossible || told_no_holes_) return;
  told_no_holes_ = true;
  std::fprintf(stderr, "%s: its file system has no holes; logs of tasks are not bounded\n",
               attempt.dir.c_str());
}

}  // namespace aiflow::runner
