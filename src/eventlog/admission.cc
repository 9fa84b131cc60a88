#include <sys/random.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "eventlog/log_service.h"
#include "model/event_keys.h"
#include "model/limits.h"
#include "model/requests.h"

namespace aiflow {
namespace {

Status CheckSize(std::string_view what, const std::string& text, size_t limit,
                 std::string_view limit_name) {
  if (text.size() <= limit) return Status::Ok();
  return {Code::kInvalidArgument, std::string(what) + " of " + std::to_string(text.size()) +
                                      " bytes is over the limit of " + std::to_string(limit) +
                                      " (" + std::string(limit_name) + ")"};
}

Status CheckLimits(const Event& event) {
  using namespace limits;
  if (event.key.empty()) {
    return {Code::kInvalidArgument, "event key is empty; give the event a key"};
  }
  AIFLOW_RETURN_IF_ERROR(
      CheckSize("event key", event.key, kMaxEventKeyBytes, "max_event_key_bytes"));
  AIFLOW_RETURN_IF_ERROR(
      CheckSize("event value", event.value, kMaxEventValueBytes, "max_event_value_bytes"));
  AIFLOW_RETURN_IF_ERROR(
      CheckSize("event context", event.context, kMaxEventContextBytes, "max_event_context_bytes"));
  AIFLOW_RETURN_IF_ERROR(
      CheckSize("event namespace", event.ns, kMaxEventKeyBytes, "max_event_key_bytes"));
  return CheckSize("event sender", event.sender, kMaxEventKeyBytes, "max_event_key_bytes");
}

/// 128 random bits as text.
std::string RandomUuid() {
  unsigned char bytes[16];
  ssize_t n = 0;
  do {
    n = getrandom(bytes, sizeof(bytes), 0);
  } while (n < 0 && errno == EINTR);
  CHECK(n == sizeof(bytes)) << "no random numbers from the system, errno " << errno;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace

Status AdmitFromWire(std::string_view uuid, bool idempotent, Event* event) {
  AIFLOW_RETURN_IF_ERROR(CheckLimits(*event));
  AIFLOW_RETURN_IF_ERROR(CheckSize("event uuid", std::string(uuid), limits::kMaxEventUuidBytes,
                                   "max_event_uuid_bytes"));
  event->kind = EventKind::kUser;
  if (event->key == kSchedulingEventKey) {
    if (!MayComeFromWire(event->value)) {
      return {Code::kPermissionDenied,
              "scheduling event '" + event->value.substr(0, 100) +
                  "' is not accepted from clients: only start, stop and restart requests are"};
    }
    event->kind = EventKind::kScheduling;
  } else if (std::string_view(event->key).starts_with(kStatusChangedKeyPrefix)) {
    return {Code::kPermissionDenied, "event key " + event->key.substr(0, 200) +
                                         ": a changed task status is announced by the server only"};
  }
  event->id =
      idempotent ? WireEventId(event->ns, uuid.empty() ? RandomUuid() : uuid) : std::string();
  return Status::Ok();
}

}  // namespace aiflow
