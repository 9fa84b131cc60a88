#include "api/rest/json_message.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "api/rest/message_fields.h"

namespace aiflow::api::rest {

Result<std::string> ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) {
    return Error(Code::kInternal, "the answer is no JSON: " + std::string(status.message()));
  }
  return json;
}

namespace {

/// Of the parser's "params: Cannot find field.": which member may have been meant.
std::string NearestField(const std::string& why, const google::protobuf::Descriptor& message) {
  const size_t end = why.find(": Cannot find field");
  if (end == std::string::npos) return {};
  const size_t blank = why.rfind(' ', end);
  const size_t begin = blank == std::string::npos || blank > end ? 0 : blank + 1;
  return DidYouMean(std::string_view(why).substr(begin, end - begin), message);
}

}  // namespace

Status FromJson(std::string_view json, google::protobuf::Message* message) {
  const auto status = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(json.data(), json.size()), message);
  if (status.ok()) return Status::Ok();
  // The parser's explanation has several lines: what, the text around, a caret.
  std::string why(status.message());
  std::replace(why.begin(), why.end(), '\n', ' ');
  why += NearestField(why, *message->GetDescriptor());
  return {Code::kInvalidArgument, "the body is not what is expected here: " + why};
}

}  // namespace aiflow::api::rest
