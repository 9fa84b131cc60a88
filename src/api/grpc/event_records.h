// Private to api/grpc.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <cstdint>
#include <string>

#include "aiflow/v1/event_log.pb.h"
#include "base/status.h"
#include "model/event.h"

namespace aiflow::api {

/// Kinds of events that a client wants.
class EventKinds {
 public:
  /// None: all, and INTERNAL only with `include_internal`. kInvalidArgument names an unknown one.
  static Result<EventKinds> Of(const google::protobuf::RepeatedPtrField<std::string>& names,
                               bool include_internal);
  [[nodiscard]] bool internal() const { return Has(EventKind::kInternal); }
  [[nodiscard]] bool Has(EventKind kind) const {
    return (set_ >> static_cast<unsigned>(kind) & 1U) != 0;
  }

 private:
  uint32_t set_ = 0;
};

void ToProto(Event event, v1::EventRecord* record);

/// As a client sent it: offset, time and kind are the server's.
Event FromProto(const v1::EventRecord& record);

}  // namespace aiflow::api
