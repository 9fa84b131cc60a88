#include "server/log_retention.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace aiflow::server {
namespace {

/// Before the first round.
constexpr Millis kFirst{60'000};

}  // namespace

struct LogRetention::Turn {
  std::mutex mutex;
  std::condition_variable changed;
  // Guarded by mutex.
  bool stopping = false;
  std::optional<Result<Offset>> answer;
};

LogRetention::LogRetention(LogService& log, const Clock& clock, Millis keep, Millis interval,
                           std::function<void(const Result<Offset>&)> report)
    : log_(log),
      clock_(clock),
      keep_(keep),
      interval_(interval),
      report_(std::move(report)),
      turn_(std::make_shared<Turn>()),
      thread_([this] { Run(); }) {}

LogRetention::~LogRetention() { Stop(); }

void LogRetention::Stop() {
  {
    const std::lock_guard lock(turn_->mutex);
    turn_->stopping = true;
    turn_->changed.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void LogRetention::Run() {
  Millis wait = std::min(kFirst, interval_);
  for (;;) {
    {
      std::unique_lock lock(turn_->mutex);
      if (turn_->changed.wait_for(lock, wait, [this] { return turn_->stopping; })) return;
    }
    wait = interval_;
    if (keep_ != Millis(0)) Round();
  }
}

void LogRetention::Round() {
  const Offset first = log_.first();
  const Result<Offset> old = log_.OffsetBefore(clock_.Now() - keep_);
  if (!old.has_value()) return report_(old);
  if (*old < first) return;
  {
    const std::lock_guard lock(turn_->mutex);
    turn_->answer.reset();
  }
  log_.DropBefore(*old + 1, [turn = turn_](Result<Offset> dropped) {
    const std::lock_guard lock(turn->mutex);
    turn->answer = std::move(dropped);
    turn->changed.notify_all();
  });
  std::optional<Result<Offset>> answer;
  {
    std::unique_lock lock(turn_->mutex);
    turn_->changed.wait(lock, [this] { return turn_->answer.has_value() || turn_->stopping; });
    answer = turn_->answer;
  }
  if (answer.has_value() && (!answer->has_value() || **answer > first)) report_(*answer);
}

}  // namespace aiflow::server
