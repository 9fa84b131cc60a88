// Private to api/grpc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <string>

#include "base/status.h"

namespace aiflow::api {

/// The metadata that brings the token of a call.
inline constexpr char kAuthorizationMetadata[] = "authorization";

inline grpc::Status ToGrpc(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(static_cast<int>(status.code())), status.message()};
}

/// What a client of an overloaded server may do: wait this long and try again. gRPC's own retries
/// obey the trailer.
inline void HintRetry(grpc::ServerContextBase* context, const Status& status) {
  if (status.code() == Code::kUnavailable) {
    context->AddTrailingMetadata("grpc-retry-pushback-ms", "100");
  }
}

/// Ends a unary call at once.
inline grpc::ServerUnaryReactor* FinishNow(grpc::CallbackServerContext* context,
                                           const Status& status) {
  HintRetry(context, status);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

}  // namespace aiflow::api
