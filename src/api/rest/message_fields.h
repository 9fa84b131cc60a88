// Private to api/rest.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "base/status.h"

namespace aiflow::api::rest {

/// Sets the field that `path` names ("name", "event.key") from text, as a path variable or a query
/// parameter gives it; a repeated field gets one element more. kInvalidArgument names an unknown
/// field and the nearest known one, a value that is not of the field's type, a single field that is
/// set twice, and fields that text cannot give (maps, lists of messages).
Status SetField(std::string_view path, const std::string& value,
                google::protobuf::Message* message);

/// "; did you mean FIELD?" with the field of the message that is nearest to the name, or empty.
std::string DidYouMean(std::string_view name, const google::protobuf::Descriptor& message);

/// The field of a request that an Idempotency-Key is; nullptr: repeating it changes nothing anyway.
const google::protobuf::FieldDescriptor* KeyField(const google::protobuf::Descriptor& request);

}  // namespace aiflow::api::rest
