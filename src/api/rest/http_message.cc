#include "api/rest/http_message.h"

#include <nlohmann/json.hpp>

namespace aiflow::api::rest {

int HttpStatusOf(Code code) {
  switch (code) {
    case Code::kOk: return 200;
    case Code::kInvalidArgument:
    case Code::kOutOfRange: return 400;
    case Code::kUnauthenticated: return 401;
    case Code::kPermissionDenied: return 403;
    case Code::kNotFound: return 404;
    case Code::kAlreadyExists:
    case Code::kFailedPrecondition:
    case Code::kAborted: return 409;
    case Code::kResourceExhausted: return 429;
    case Code::kCancelled: return 499;
    case Code::kUnimplemented: return 501;
    case Code::kUnavailable: return 503;
    case Code::kDeadlineExceeded: return 504;
    default: return 500;
  }
}

std::string ErrorJson(const Status& status) {
  const nlohmann::ordered_json json = {{"error",
                                        {{"code", static_cast<int>(status.code())},
                                         {"status", CodeName(status.code())},
                                         {"message", status.message()}}}};
  // Bytes of a message that are no text (an old file name, say) are shown as question marks.
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

HttpAnswer ErrorAnswer(int http_status, const Status& status) {
  HttpAnswer answer;
  answer.status = http_status;
  answer.body = ErrorJson(status);
  if (status.code() == Code::kUnavailable) answer.headers.emplace_back("Retry-After", "1");
  return answer;
}

HttpAnswer ErrorAnswer(const Status& status) {
  return ErrorAnswer(HttpStatusOf(status.code()), status);
}

}  // namespace aiflow::api::rest
