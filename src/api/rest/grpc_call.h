// Private to api/rest.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>

#include "base/status.h"

namespace aiflow::api::rest {

/// One call of any method, whatever it streams, of messages known by reflection. For a thread that
/// waits: Send and Receive block. At most one message that was not asked for yet is held, so a slow
/// caller slows the method down. One thread calls; Cancel is thread-safe.
class GrpcCall {
 public:
  /// `method` as in "/package.Service/Method". Begins at once; ends by itself after `deadline`,
  /// which may be the greatest time point. `channel` may be shared.
  GrpcCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
           std::chrono::system_clock::time_point deadline);
  /// Cancels the call when it has not ended.
  ~GrpcCall();
  GrpcCall(const GrpcCall&) = delete;
  GrpcCall& operator=(const GrpcCall&) = delete;

  /// False: the call has ended; Receive tells how.
  bool Send(const google::protobuf::Message& message);
  void DoneSending();

  enum class Received { kMessage, kNothingYet, kEnd };
  /// Waits for a message for `patience`. kEnd: there is no further one, see outcome().
  Received Receive(google::protobuf::Message* message, std::chrono::milliseconds patience);
  /// After kEnd.
  [[nodiscard]] Status outcome() const;

  void Cancel();

 private:
  class Reactor;
  std::unique_ptr<Reactor> reactor_;
};

}  // namespace aiflow::api::rest
