#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "engine/hook_sender.h"

namespace aiflow::server {

/// One POST of a hook's message, which another thread may cut short.
class HookRequest {
 public:
  /// POSTs delivery.call.Message() to its URL, with the key as `Idempotency-Key`. Redirects are not
  /// followed; certificates of https are checked against those that the system trusts. Empty: the
  /// answer was 2xx; else what went wrong. Blocks for at most about `timeout`; once.
  std::string Post(const HookDelivery& delivery, Millis timeout);

  /// Post returns soon. Thread-safe; also before and after Post. A connection that is being made or
  /// a name that is being looked up is waited for.
  void Cancel();

 private:
  std::mutex mutex_;
  std::function<void()> stop_;  // guarded by mutex_; set while a request is under way
  std::atomic<bool> cancelled_ = false;
};

/// "https://host:1234/a?b" -> {"https://host:1234", "/a?b"}.
std::pair<std::string, std::string> SplitUrl(const std::string& url);

}  // namespace aiflow::server
