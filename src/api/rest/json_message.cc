#include "api/rest/json_message.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>

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

Status FromJson(std::string_view json, google::protobuf::Message* message) {
  const auto status = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(json.data(), json.size()), message);
  if (status.ok()) return Status::Ok();
  // The parser's explanation has several lines: what, the text around, a caret.
  std::string why(status.message());
  std::replace(why.begin(), why.end(), '\n', ' ');
  return {Code::kInvalidArgument, "the body is not what is expected here: " + why};
}

}  // namespace aiflow::api::rest
