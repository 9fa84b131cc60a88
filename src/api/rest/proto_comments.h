// Private to api/rest.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>

namespace aiflow::api::rest {

/// What the proto files say about a thing, in the comment before it or behind it, on one line.
/// Empty without one. Thread-safe.
std::string CommentOf(const google::protobuf::MethodDescriptor& method);
std::string CommentOf(const google::protobuf::FieldDescriptor& field);
std::string CommentOf(const google::protobuf::Descriptor& message);

}  // namespace aiflow::api::rest
