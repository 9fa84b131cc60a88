#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "engine/attempt_tokens.h"
#include "engine/durable_appender.h"
#include "executor/task_executor.h"
#include "model/attempt_key.h"

namespace aiflow {

/// Turns what executors report into TASK_STATUS events, durably. Thread-safe: an executor calls
/// Report from its own thread. Knows the attempts that were handed over and not yet forgotten; a
/// report of any other attempt, or with a wrong token, is dropped and counted.
class Reporter {
 public:
  Reporter(DurableAppender& appender, AttemptTokens tokens)
      : appender_(appender), tokens_(std::move(tokens)) {}

  /// From now on reports of `attempt` are taken. Call it before the attempt is handed over.
  void Expect(const AttemptKey& attempt, const std::string& ns, const std::string& task_name);
  void Forget(const AttemptKey& attempt);

  void Report(const AttemptReport& report);

  [[nodiscard]] const AttemptTokens& tokens() const { return tokens_; }
  [[nodiscard]] int64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  struct Label {
    std::string ns;
    std::string task_name;
  };

  DurableAppender& appender_;
  const AttemptTokens tokens_;
  std::mutex mutex_;
  std::map<AttemptKey, Label> expected_;  // guarded by mutex_
  std::atomic<int64_t> dropped_ = 0;
};

}  // namespace aiflow
