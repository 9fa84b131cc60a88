// Private to api/grpc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <string>

#include "api/backend.h"
#include "api/grpc/grpc_status.h"
#include "model/requests.h"

namespace aiflow::api {

/// Ends a unary call at once.
inline grpc::ServerUnaryReactor* FinishNow(grpc::CallbackServerContext* context,
                                           const Status& status) {
  HintRetry(context, status);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

/// Submits a request; the call ends when the engine has committed it. `fill` (may be empty)
/// completes the response from the reply, on the observers' thread, so that it may read the store.
inline grpc::ServerUnaryReactor* SubmitAndFinish(grpc::CallbackServerContext* context,
                                                 Backend& backend, const Request& request,
                                                 const std::string& request_id,
                                                 std::function<Status(const ReplyRow&)> fill) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  backend.engine.Submit(
      request, request_id,
      [context, reactor, &backend, fill = std::move(fill)](Result<ReplyRow> reply) {
        if (!reply.has_value()) {
          HintRetry(context, reply.error());
          reactor->Finish(ToGrpc(reply.error()));
        } else if (fill == nullptr) {
          reactor->Finish(grpc::Status::OK);
        } else {
          backend.observers.Post(
              [reactor, fill, reply = *std::move(reply)] { reactor->Finish(ToGrpc(fill(reply))); });
        }
      });
  return reactor;
}

}  // namespace aiflow::api
