#include "api/grpc/event_records.h"

#include <array>
#include <string_view>
#include <utility>

#include "model/event_keys.h"

namespace aiflow::api {
namespace {

constexpr std::array<std::string_view, 5> kKinds = {"USER", "SCHEDULING", "TASK_STATUS",
                                                    "STATUS_CHANGED", "INTERNAL"};

}  // namespace

Result<EventKinds> EventKinds::Of(const google::protobuf::RepeatedPtrField<std::string>& names,
                                  bool include_internal) {
  EventKinds kinds;
  for (const std::string& name : names) {
    size_t kind = 0;
    while (kind < kKinds.size() && kKinds[kind] != name) ++kind;
    if (kind == kKinds.size()) {
      return Error(
          Code::kInvalidArgument,
          "kinds: " + name + " is none of USER, SCHEDULING, TASK_STATUS, STATUS_CHANGED, INTERNAL");
    }
    kinds.set_ |= 1U << kind;
  }
  if (names.empty()) {
    kinds.set_ = (1U << kKinds.size()) - 1;
    if (!include_internal) kinds.set_ &= ~(1U << static_cast<unsigned>(EventKind::kInternal));
  }
  return kinds;
}

void ToProto(Event event, v1::EventRecord* record) {
  record->set_offset(event.offset);
  record->set_create_time(event.create_time.count());
  record->set_key(std::move(event.key));
  record->set_value(std::move(event.value));
  record->set_context(std::move(event.context));
  record->set_namespace_(std::move(event.ns));
  record->set_sender(std::move(event.sender));
  record->set_kind(std::string(kKinds[static_cast<size_t>(event.kind)]));
}

Event FromProto(const v1::EventRecord& record) {
  Event event;
  event.key = record.key();
  event.value = record.value();
  event.context = record.context();
  event.ns = MatchingNamespace(record.namespace_());
  event.sender = record.sender();
  return event;
}

}  // namespace aiflow::api
