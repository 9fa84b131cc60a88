#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "base/status.h"
#include "client/credentials.h"

/// What the gRPC clients of the command line share. Private to grpc_client.cc and
/// grpc_event_client.cc.
namespace aiflow::cli {

inline constexpr std::chrono::seconds kCallDeadline{30};
inline constexpr std::chrono::minutes kUploadDeadline{10};

/// A channel to `address` and the rules for calls on it. Thread-safe.
class GrpcCall {
 public:
  GrpcCall(const std::string& address, const client::Credentials& credentials);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  /// Unary calls take at most `limit` from now on and are not repeated. Not while others call.
  void Limit(std::chrono::milliseconds limit) {
    deadline_ = limit;
    repeats_ = 0;
  }

  /// Translates, and says who was not there when nobody was.
  Status ToStatus(const grpc::Status& status) const;

  /// Runs `attempt` (a function of a fresh ClientContext that returns a grpc::Status) with a
  /// deadline.
  template <typename Attempt>
  Status Once(std::chrono::milliseconds deadline, const Attempt& attempt) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + deadline);
    return ToStatus(attempt(&context));
  }

  /// The same, but one that ends UNAVAILABLE on a working connection (overload, a lost reply, a
  /// restart) is repeated a few times.
  template <typename Attempt>
  Status Repeat(std::chrono::milliseconds deadline, const Attempt& attempt) const {
    for (int left = repeats_;; --left) {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + deadline);
      const grpc::Status status = attempt(&context);
      if (status.error_code() != grpc::StatusCode::UNAVAILABLE || left == 0 || !WasConnected()) {
        return ToStatus(status);
      }
      std::this_thread::sleep_for(kRepeatDelay);
    }
  }

  template <typename Stub, typename Request, typename Response>
  Result<Response> Unary(Stub& stub,
                         grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                      Response*),
                         const Request& request) const {
    Response response;
    const Status status = Repeat(deadline_, [&](grpc::ClientContext* context) {
      return (stub.*method)(context, request, &response);
    });
    if (!status.ok()) return Error(status);
    return response;
  }

 private:
  static constexpr int kRepeats = 5;
  static constexpr std::chrono::milliseconds kRepeatDelay{200};

  // Whether a connection stands or has just been lost, other than was never made.
  bool WasConnected() const;

  const std::string address_;
  const bool tls_;
  std::chrono::milliseconds deadline_ = kCallDeadline;
  int repeats_ = kRepeats;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace aiflow::cli
