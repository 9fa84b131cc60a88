// Private to api/grpc.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <string>

#include "ai_flow/message.pb.h"
#include "api/backend.h"
#include "base/status.h"
#include "model/requests.h"
#include "model/rows.h"

namespace aiflow::api {

/// How the frozen calls encode their outcome: docs/formats/legacy-response.md.

/// The decimal text of the ReturnCode for a failure.
std::string LegacyCode(Code code);
void SetLegacyError(const Status& status, ai_flow::Response* response);
/// What getters and lists answer when there is nothing.
void SetLegacyNothing(ai_flow::Response* response);
/// Success with the message as proto JSON.
void SetLegacyData(const google::protobuf::Message& message, ai_flow::Response* response);
/// Success with plain text or nothing.
void SetLegacyText(const std::string& text, ai_flow::Response* response);

/// Ends the call; the response is filled already.
grpc::ServerUnaryReactor* FinishLegacy(grpc::CallbackServerContext* context);
grpc::ServerUnaryReactor* FinishLegacy(grpc::CallbackServerContext* context, const Status& status,
                                       ai_flow::Response* response);

/// Turns a failure of the engine into the one that the frozen contract documents, text included.
using LegacyErrors = std::function<Status(const Status&)>;
/// kNotFound becomes `code` with `text`, other failures stay.
LegacyErrors WhenNotFound(Code code, std::string text);

/// Submits a request and ends the call when it is committed. `fill` (may be empty: success without
/// data) fills the response on the observers' thread, so that it may read the store.
grpc::ServerUnaryReactor* SubmitLegacy(
    grpc::CallbackServerContext* context, Backend& backend, const Request& request,
    const LegacyErrors& errors, ai_flow::Response* response,
    std::function<Status(const ReplyRow&, ai_flow::Response*)> fill = nullptr);
/// As SubmitLegacy, for a call that has taken its reactor already.
void SubmitLegacyTo(grpc::ServerUnaryReactor* reactor, Backend& backend, const Request& request,
                    const LegacyErrors& errors, ai_flow::Response* response,
                    std::function<Status(const ReplyRow&, ai_flow::Response*)> fill);

/// 0 = no limit.
Page LegacyPage(int64_t page_size, int64_t offset);

/// Bytes of a blob; an empty digest is empty.
Result<std::string> LegacyBlob(const Backend& backend, const std::string& digest);

std::string NotExists(const std::string& ns, const std::string& workflow);
/// Of a workflow that an add call names by id.
std::string ParentNotExists(int64_t workflow_id);

}  // namespace aiflow::api
