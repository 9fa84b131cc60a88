// Private to api/grpc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <vector>

#include "eventlog/log_service.h"
#include "storage/event_filter.h"

namespace aiflow::api {

/// Events of answers that their clients have not read yet. Thread-safe.
class AnswersUnderWay {
 public:
  /// Beyond it lists are refused, so that clients that ask for much and read nothing cost no more
  /// than this and the lists that are being made.
  static constexpr size_t kMaxBytes = 256 << 20;

  [[nodiscard]] bool TooMany() const { return bytes_.load() > kMaxBytes; }
  void Add(size_t bytes) { bytes_ += bytes; }
  void Remove(size_t bytes) { bytes_ -= bytes; }

 private:
  std::atomic<size_t> bytes_ = 0;
};

/// A unary call that ends when LogService::List answers, and that ends the wait when its client
/// goes away. Holds no thread meanwhile. Deletes itself.
class ListCall final : public grpc::ServerUnaryReactor {
 public:
  /// Turns the outcome into the response and the call's status; called once, from any thread.
  using Respond = std::function<grpc::Status(Result<std::vector<Event>>)>;

  /// `under_way` outlives the call.
  ListCall(LogService& log, AnswersUnderWay& under_way, Respond respond)
      : log_(log), under_way_(under_way), respond_(std::move(respond)) {}
  ~ListCall() override { under_way_.Remove(bytes_); }

  /// To be called before the reactor is given to gRPC.
  void Begin(const EventFilter& filter, Millis timeout) {
    wait_ = log_.List(filter, timeout, [this](Result<std::vector<Event>> events) {
      if (events.has_value()) {
        for (const Event& event : *events) bytes_ += EventBytes(event);
      }
      under_way_.Add(bytes_);
      Finish(respond_(std::move(events)));
    });
  }

  // gRPC calls this after the handler returned, so `wait_` is set.
  void OnCancel() override { log_.Cancel(wait_); }
  void OnDone() override { delete this; }

 private:
  LogService& log_;
  AnswersUnderWay& under_way_;
  const Respond respond_;
  size_t bytes_ = 0;
  LogService::WaitId wait_ = 0;
};

}  // namespace aiflow::api
