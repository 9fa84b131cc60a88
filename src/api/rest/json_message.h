// Private to api/rest.
#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "base/status.h"

namespace aiflow::api::rest {

/// The protobuf JSON of a message: the names of the proto file, every field (64-bit numbers as
/// strings), on one line.
Result<std::string> ToJson(const google::protobuf::Message& message);

/// Merges a JSON object into `message`. kInvalidArgument says where it is wrong; unknown members
/// are refused.
Status FromJson(std::string_view json, google::protobuf::Message* message);

}  // namespace aiflow::api::rest
