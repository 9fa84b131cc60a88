// Private to api/grpc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "eventlog/log_service.h"

namespace aiflow::api {

/// A unary call that ends when LogService::List answers, and that ends the wait when its client
/// goes away. Holds no thread meanwhile. Deletes itself.
class ListCall final : public grpc::ServerUnaryReactor {
 public:
  /// Turns the outcome into the response and the call's status; called once, from any thread.
  using Respond = std::function<grpc::Status(Result<std::vector<Event>>)>;

  ListCall(LogService& log, Respond respond) : log_(log), respond_(std::move(respond)) {}

  /// To be called before the reactor is given to gRPC.
  void Begin(const EventFilter& filter, Millis timeout) {
    wait_ = log_.List(filter, timeout, [this](Result<std::vector<Event>> events) {
      Finish(respond_(std::move(events)));
    });
  }

  // gRPC calls this after the handler returned, so `wait_` is set.
  void OnCancel() override { log_.Cancel(wait_); }
  void OnDone() override { delete this; }

 private:
  LogService& log_;
  const Respond respond_;
  LogService::WaitId wait_ = 0;
};

}  // namespace aiflow::api
