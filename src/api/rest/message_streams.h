// Private to api/rest.
#pragma once

#include <google/protobuf/descriptor.h>

#include <memory>

#include "api/rest/grpc_call.h"
#include "api/rest/http_message.h"

namespace aiflow::api::rest {

/// How the messages of a method that streams its answer look to HTTP; found from their fields.
struct StreamShape {
  /// Bytes, with the position behind them.
  const google::protobuf::FieldDescriptor* data = nullptr;
  const google::protobuf::FieldDescriptor* next_byte = nullptr;
  /// The bytes are text, which may still grow: the request says whether to follow it.
  bool text = false;
  /// A list whose elements are told one by one.
  const google::protobuf::FieldDescriptor* elements = nullptr;
  /// Of an element, what names its place.
  const google::protobuf::FieldDescriptor* offset = nullptr;
  /// The field of the request that takes up behind a place.
  const google::protobuf::FieldDescriptor* resume = nullptr;

  static StreamShape Of(const google::protobuf::MethodDescriptor& method);
};

/// What a call streams, as server-sent events: `data` is the JSON of a message or of each of its
/// elements, or the text of bytes; `id` is the place to resume behind. At the end comes an event
/// `end`, or `error` with the error.
std::unique_ptr<TextStream> NewEventStream(std::unique_ptr<GrpcCall> call,
                                           const google::protobuf::MethodDescriptor& method);

/// The bytes that a call streams, as they are. `method` has a shape with data.
std::unique_ptr<TextStream> NewByteStream(std::unique_ptr<GrpcCall> call,
                                          const google::protobuf::MethodDescriptor& method);

}  // namespace aiflow::api::rest
