// Private to api/grpc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "aiflow/internal/v1/log_access.grpc.pb.h"
#include "api/grpc/log_access_convert.h"
#include "base/clock.h"
#include "base/status.h"
#include "client/credentials.h"

namespace aiflow::api {

/// Calls of aiflow.internal.v1.LogAccess at one address, in the name of the log's owner.
/// Thread-safe.
class RemoteLogCalls {
 public:
  using Stub = internal_v1::LogAccess::Stub;

  RemoteLogCalls(std::string address, std::string secret, const client::Credentials& credentials);

  /// kUnavailable when nobody answers within the deadline, or after Interrupt;
  /// kFailedPrecondition for a server that keeps no log for others. Messages name the address.
  template <typename Request, typename Response>
  Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const Request& request, Response* response, Millis deadline) const {
    grpc::ClientContext context;
    if (!Begin(context, deadline)) return {Code::kUnavailable, "the server is stopping"};
    const grpc::Status status = (stub_.get()->*method)(&context, request, response);
    End(context);
    return ToStatus(status);
  }

  /// Ends the calls under way; later ones fail. Idempotent.
  void Interrupt();

 private:
  bool Begin(grpc::ClientContext& context, Millis deadline) const;
  void End(grpc::ClientContext& context) const;
  Status ToStatus(const grpc::Status& status) const;

  const std::string address_;
  const std::string secret_;
  const std::unique_ptr<Stub> stub_;
  mutable std::mutex mutex_;
  // Both guarded by mutex_.
  mutable std::set<grpc::ClientContext*> calls_;
  bool interrupted_ = false;
};

/// A connection to a notification server, as a server keeps it.
std::shared_ptr<grpc::Channel> LogChannel(const std::string& address,
                                          const client::Credentials& credentials);

}  // namespace aiflow::api
