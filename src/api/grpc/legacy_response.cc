#include "api/grpc/legacy_response.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"

namespace aiflow::api {
namespace {

ai_flow::ReturnCode ReturnCodeOf(Code code) {
  switch (code) {
    case Code::kOk: return ai_flow::SUCCESS;
    case Code::kInvalidArgument:
    case Code::kOutOfRange: return ai_flow::INVALID_PARAMETER_VALUE;
    case Code::kNotFound: return ai_flow::RESOURCE_DOES_NOT_EXIST;
    case Code::kAlreadyExists: return ai_flow::RESOURCE_ALREADY_EXISTS;
    case Code::kFailedPrecondition: return ai_flow::INVALID_STATE;
    case Code::kPermissionDenied:
    case Code::kUnauthenticated: return ai_flow::PERMISSION_DENIED;
    case Code::kUnimplemented: return ai_flow::FEATURE_DISABLED;
    case Code::kResourceExhausted: return ai_flow::REQUEST_LIMIT_EXCEEDED;
    case Code::kUnavailable: return ai_flow::TEMPORARILY_UNAVAILABLE;
    case Code::kDataLoss: return ai_flow::IO_ERROR;
    case Code::kCancelled:
    case Code::kUnknown:
    case Code::kDeadlineExceeded:
    case Code::kAborted:
    case Code::kInternal: return ai_flow::INTERNAL_ERROR;
  }
  return ai_flow::INTERNAL_ERROR;
}

}  // namespace

std::string LegacyCode(Code code) { return std::to_string(static_cast<int>(ReturnCodeOf(code))); }

void SetLegacyError(const Status& status, ai_flow::Response* response) {
  CHECK(!status.ok()) << "a success is no error";
  response->set_return_code(LegacyCode(status.code()));
  response->set_error_msg(status.message());
}

void SetLegacyNothing(ai_flow::Response* response) {
  SetLegacyError(Status(Code::kNotFound, "resource_does_not_exist"), response);
}

void SetLegacyData(const google::protobuf::Message& message, ai_flow::Response* response) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.add_whitespace = true;
  const auto status =
      google::protobuf::util::MessageToJsonString(message, response->mutable_data(), options);
  CHECK(status.ok()) << message.GetTypeName() << " as JSON: " << status.ToString();
  response->set_return_code(LegacyCode(Code::kOk));
}

void SetLegacyText(const std::string& text, ai_flow::Response* response) {
  response->set_return_code(LegacyCode(Code::kOk));
  response->set_data(text);
}

grpc::ServerUnaryReactor* FinishLegacy(grpc::CallbackServerContext* context) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* FinishLegacy(grpc::CallbackServerContext* context, const Status& status,
                                       ai_flow::Response* response) {
  if (!status.ok()) SetLegacyError(status, response);
  return FinishLegacy(context);
}

LegacyErrors WhenNotFound(Code code, std::string text) {
  return [code, text = std::move(text)](const Status& status) {
    return status.code() == Code::kNotFound ? Status(code, text) : status;
  };
}

grpc::ServerUnaryReactor* SubmitLegacy(
    grpc::CallbackServerContext* context, Backend& backend, const Request& request,
    const LegacyErrors& errors, ai_flow::Response* response,
    std::function<Status(const ReplyRow&, ai_flow::Response*)> fill) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  SubmitLegacyTo(reactor, backend, request, errors, response, std::move(fill));
  return reactor;
}

void SubmitLegacyTo(grpc::ServerUnaryReactor* reactor, Backend& backend, const Request& request,
                    const LegacyErrors& errors, ai_flow::Response* response,
                    std::function<Status(const ReplyRow&, ai_flow::Response*)> fill) {
  backend.engine.Submit(
      request, "",
      [reactor, response, errors, &backend, fill = std::move(fill)](Result<ReplyRow> reply) {
        if (!reply.has_value()) {
          SetLegacyError(errors(reply.error()), response);
          reactor->Finish(grpc::Status::OK);
        } else if (fill == nullptr) {
          SetLegacyText("", response);
          reactor->Finish(grpc::Status::OK);
        } else {
          backend.observers.Post([reactor, response, fill, reply = *std::move(reply)] {
            const Status status = fill(reply, response);
            if (!status.ok()) SetLegacyError(status, response);
            reactor->Finish(grpc::Status::OK);
          });
        }
      });
}

Page LegacyPage(int64_t page_size, int64_t offset) {
  Page page;
  page.limit = page_size > 0 ? page_size : std::numeric_limits<int64_t>::max();
  page.skip = std::max<int64_t>(0, offset);
  return page;
}

Result<std::string> LegacyBlob(const Backend& backend, const std::string& digest) {
  if (digest.empty()) return std::string();
  return backend.blobs.Get(digest);
}

std::string NotExists(const std::string& ns, const std::string& workflow) {
  return "Workflow " + ns + "." + workflow + " not exists";
}

std::string ParentNotExists(int64_t workflow_id) {
  return "Workflow with id: " + std::to_string(workflow_id) + " not exists";
}

}  // namespace aiflow::api
