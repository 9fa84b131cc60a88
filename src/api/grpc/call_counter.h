// Private to api/grpc.
#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/grpc/call_counts.h"

namespace aiflow::api {

/// What a server of these services, by full name, is built with, so that it counts its calls in
/// `counts`, which outlives it. Calls of anything else are counted together, whatever clients make
/// up.
std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> CountersInto(
    CallCounts& counts, const std::vector<std::string>& services);

/// What a method that counts itself counts into; null without `counts`.
inline MethodCounts* OwnCounts(CallCounts* counts, std::string_view path, bool streams) {
  return counts == nullptr ? nullptr : &counts->OfItself(path, streams);
}

/// One call of a method that counts itself, from its begin. Without counts it does nothing.
class CountedCall {
 public:
  explicit CountedCall(MethodCounts* counts)
      : counts_(counts),
        begun_(counts == nullptr ? std::chrono::steady_clock::time_point()
                                 : std::chrono::steady_clock::now()) {}

  /// Of a call that is no stream. Returns its argument, so that it can stand within Finish.
  grpc::Status Ended(grpc::Status status) const {
    if (counts_ == nullptr) return status;
    counts_->Ended(status.error_code());
    counts_->seconds.Observe(std::chrono::steady_clock::now() - begun_);
    return status;
  }

 private:
  MethodCounts* const counts_;
  const std::chrono::steady_clock::time_point begun_;
};

/// A stream of a method that counts itself: open as long as this lives.
class CountedStream {
 public:
  explicit CountedStream(MethodCounts* counts) : counts_(counts) {
    if (counts_ != nullptr) counts_->open.fetch_add(1, std::memory_order_relaxed);
  }
  ~CountedStream() {
    if (counts_ != nullptr) counts_->open.fetch_sub(1, std::memory_order_relaxed);
  }
  CountedStream(const CountedStream&) = delete;
  CountedStream& operator=(const CountedStream&) = delete;

  grpc::Status Ended(grpc::Status status) const {
    if (counts_ != nullptr) counts_->Ended(status.error_code());
    return status;
  }

 private:
  MethodCounts* const counts_;
};

}  // namespace aiflow::api
