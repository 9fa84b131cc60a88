// Private to api/grpc: what both ends of aiflow.internal.v1.LogAccess say.
#pragma once

#include <utility>

#include "aiflow/internal/v1/log_access.pb.h"
#include "model/event.h"
#include "storage/event_log.h"

namespace aiflow::api {

namespace internal_v1 = aiflow::internal::v1;

/// The metadata of every call that holds the owner's secret.
inline constexpr char kLogSecretMetadata[] = "aiflow-log-secret";
/// What one message may hold: a batch of the log, or the largest event.
inline constexpr int kMaxLogMessageBytes = 80 << 20;

inline void ToProto(Event event, internal_v1::LogEvent* proto) {
  proto->set_offset(event.offset);
  proto->set_create_time(event.create_time.count());
  proto->set_key(std::move(event.key));
  proto->set_value(std::move(event.value));
  proto->set_context(std::move(event.context));
  proto->set_namespace_(std::move(event.ns));
  proto->set_sender(std::move(event.sender));
  proto->set_id(std::move(event.id));
  proto->set_kind(static_cast<int>(event.kind));
}

inline Event FromProto(internal_v1::LogEvent&& proto) {
  Event event;
  event.offset = proto.offset();
  event.create_time = Millis(proto.create_time());
  event.key = std::move(*proto.mutable_key());
  event.value = std::move(*proto.mutable_value());
  event.context = std::move(*proto.mutable_context());
  event.ns = std::move(*proto.mutable_namespace_());
  event.sender = std::move(*proto.mutable_sender());
  event.id = std::move(*proto.mutable_id());
  event.kind = static_cast<EventKind>(proto.kind());
  return event;
}

inline void ToProto(const EventFilter& filter, internal_v1::LogFilter* proto) {
  proto->set_key(filter.key);
  proto->set_namespace_(filter.ns);
  proto->set_match_namespace(filter.match_ns);
  proto->set_sender(filter.sender);
  proto->set_after(filter.after);
  proto->set_until(filter.until);
  proto->set_include_internal(filter.include_internal);
  proto->set_refuse_gap(filter.refuse_gap);
}

inline EventFilter FromProto(const internal_v1::LogFilter& proto) {
  EventFilter filter;
  filter.key = proto.key();
  filter.ns = proto.namespace_();
  filter.match_ns = proto.match_namespace();
  filter.sender = proto.sender();
  filter.after = proto.after();
  filter.until = proto.until();
  filter.include_internal = proto.include_internal();
  filter.refuse_gap = proto.refuse_gap();
  return filter;
}

}  // namespace aiflow::api
