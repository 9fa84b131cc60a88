// Private to api/rest.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <string_view>

#include "api/rest/grpc_call.h"
#include "api/rest/http_message.h"

namespace aiflow::api::rest {

inline constexpr std::string_view kTextType = "text/plain; charset=utf-8";

/// Whether the request asks for what is still to come.
bool Follows(const google::protobuf::Message& request);

/// The bytes that `method` streams for `request`, as an answer of known size that can be read from
/// any place on, by calls that begin there. `begin(request)` makes a call.
HttpAnswer FileAnswer(
    const google::protobuf::Message& request, const google::protobuf::MethodDescriptor& method,
    std::function<std::unique_ptr<GrpcCall>(const google::protobuf::Message&)> begin);

}  // namespace aiflow::api::rest
