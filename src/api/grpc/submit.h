// Private to api/grpc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <string>

#include "aiflow/v1/orchestrator.pb.h"
#include "api/backend.h"
#include "api/grpc/grpc_status.h"
#include "model/limits.h"
#include "model/requests.h"

namespace aiflow::api {

/// A blob that is shown; an empty digest shows as empty text.
inline Result<std::string> ShownBlob(const BlobStore& blobs, const std::string& digest) {
  if (digest.empty()) return std::string();
  return blobs.Get(digest);
}

/// What is written to the log has a limit; kInvalidArgument names it.
inline Status CheckTextSize(const std::string& what, const std::string& text, size_t most,
                            const std::string& limit) {
  if (text.size() <= most) return Status::Ok();
  return {Code::kInvalidArgument, what + " has " + std::to_string(text.size()) +
                                      " bytes, more than " + limit + " " + std::to_string(most)};
}
inline Status CheckParamsSize(const std::string& params_json) {
  return CheckTextSize("params", params_json, limits::kMaxParamsBytes, "kMaxParamsBytes");
}

/// Completes the answer of a call that deletes several.
inline std::function<Status(const ReplyRow&)> FillDeleted(v1::DeletedResponse* response) {
  return [response](const ReplyRow& reply) {
    response->set_deleted(reply.id);
    response->set_message(reply.message);
    return Status::Ok();
  };
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
