#include "storage/segments/record.h"

#include <array>

#include "storage/segments/bytes.h"
#include "storage/segments/frame_file.h"

namespace aiflow {
namespace {

constexpr size_t kStrings = 6;
constexpr size_t kSizesAt = 12;  // within the body: after create_time, kind and three zeros

/// The body of the record at the begin of `bytes`; empty when it cannot be one.
std::string_view BodyOf(std::string_view bytes) {
  const size_t size = RecordSizeAt(bytes);
  if (size == 0 || size > bytes.size()) return {};
  return bytes.substr(kRecordPrefixBytes, size - kRecordPrefixBytes);
}

bool SplitStrings(std::string_view body, std::array<std::string_view, kStrings>* strings) {
  size_t at = kRecordFixedBytes;
  for (size_t i = 0; i < kStrings; ++i) {
    const auto size = GetNumber<uint32_t>(body, kSizesAt + i * 4);
    if (size > body.size() - at) return false;
    (*strings)[i] = body.substr(at, size);
    at += size;
  }
  return at == body.size();
}

}  // namespace

size_t RecordBytes(const Event& event) {
  return kRecordPrefixBytes + kRecordFixedBytes + event.key.size() + event.value.size() +
         event.context.size() + event.ns.size() + event.sender.size() + event.id.size();
}

void EncodeRecord(const Event& event, Millis create_time, std::string& out) {
  const size_t begin = out.size();
  const std::array<const std::string*, kStrings> strings = {
      &event.key, &event.value, &event.context, &event.ns, &event.sender, &event.id};
  PutNumber<uint32_t>(out, static_cast<uint32_t>(RecordBytes(event) - kRecordPrefixBytes));
  PutNumber<uint32_t>(out, 0);
  PutNumber<int64_t>(out, create_time.count());
  PutNumber<uint32_t>(out, static_cast<uint8_t>(event.kind));
  for (const std::string* text : strings) {
    PutNumber<uint32_t>(out, static_cast<uint32_t>(text->size()));
  }
  for (const std::string* text : strings) out += *text;
  const uint32_t checksum = Checksum(std::string_view(out).substr(begin + kRecordPrefixBytes));
  std::memcpy(out.data() + begin + 4, &checksum, sizeof(checksum));
}

size_t RecordSizeAt(std::string_view bytes) {
  if (bytes.size() < kRecordPrefixBytes) return 0;
  const auto body = GetNumber<uint32_t>(bytes, 0);
  if (body < kRecordFixedBytes || body > kMaxRecordBytes) return 0;
  return kRecordPrefixBytes + body;
}

bool DecodeRecord(std::string_view bytes, Event* event) {
  const std::string_view body = BodyOf(bytes);
  std::array<std::string_view, kStrings> strings;
  if (body.empty() || GetNumber<uint32_t>(bytes, 4) != Checksum(body)) return false;
  if (!SplitStrings(body, &strings)) return false;
  event->create_time = Millis(GetNumber<int64_t>(body, 0));
  event->kind = static_cast<EventKind>(GetNumber<uint8_t>(body, 8));
  event->key = strings[0];
  event->value = strings[1];
  event->context = strings[2];
  event->ns = strings[3];
  event->sender = strings[4];
  event->id = strings[5];
  return true;
}

bool ViewRecord(std::string_view bytes, RecordView* view) {
  const std::string_view body = BodyOf(bytes);
  std::array<std::string_view, kStrings> strings;
  if (body.empty() || !SplitStrings(body, &strings)) return false;
  *view = {Millis(GetNumber<int64_t>(body, 0)), strings[0], strings[5]};
  return true;
}

}  // namespace aiflow
