#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/duration_histogram.h"

namespace aiflow::api {

/// The calls of one method of a gRPC service, counted. Thread-safe.
struct MethodCounts {
  /// Codes of gRPC, which end with UNAUTHENTICATED; others count as UNKNOWN.
  static constexpr size_t kCodes = 17;

  std::string service;  // "aiflow.v1.EventLog"
  std::string method;   // "Publish"
  bool streams = false;
  std::array<std::atomic<int64_t>, kCodes> ended{};  // by code
  DurationHistogram seconds;                         // of calls without streams
  std::atomic<int64_t> open = 0;                     // streams

  void Ended(int code);
  [[nodiscard]] int64_t total() const;
};

/// What has been called of the gRPC servers of a process, for the operator's metrics. Thread-safe.
///
/// An interceptor counts every method, at about a microsecond for each message. A method that is
/// called very often counts itself instead, for some nanoseconds.
class CallCounts {
 public:
  /// `path`: "/aiflow.v1.EventLog/Publish". The counts live as long as this. Each path is kept for
  /// good, so it is never one that a client has made up.
  MethodCounts& Of(std::string_view path, bool streams);
  /// The same, for a method that counts itself: before the server starts.
  MethodCounts& OfItself(std::string_view path, bool streams);
  [[nodiscard]] bool CountsItself(std::string_view path) const;

  /// By service and method; those that were called, and those that count themselves.
  [[nodiscard]] std::vector<const MethodCounts*> Methods() const;

 private:
  mutable std::mutex mutex_;
  // Guarded by mutex_, but for reading the second one, which does not change once there are calls.
  std::map<std::string, std::unique_ptr<MethodCounts>, std::less<>> methods_;
  std::vector<std::string> own_;
};

/// The name of a code of gRPC: "OK", "NOT_FOUND".
std::string_view CallCodeName(size_t code);

}  // namespace aiflow::api
