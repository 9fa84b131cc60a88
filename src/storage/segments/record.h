#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "model/event.h"

namespace aiflow {

/// Bytes of a record before its strings: size, checksum and the fixed fields.
inline constexpr size_t kRecordPrefixBytes = 8;
inline constexpr size_t kRecordFixedBytes = 36;
inline constexpr size_t kMaxRecordBytes = size_t{64} << 20;

/// Bytes that the event takes as a record.
size_t RecordBytes(const Event& event);

/// Appends the event as one record: size, checksum, fields. The offset is told by the place, and
/// `event.create_time` is not used.
void EncodeRecord(const Event& event, Millis create_time, std::string& out);

/// Size of the whole record that begins with these bytes (at least kRecordPrefixBytes); 0 when that
/// is no record.
size_t RecordSizeAt(std::string_view bytes);

/// Reads the record at the begin of `bytes`, checksum included. False when it is damaged.
bool DecodeRecord(std::string_view bytes, Event* event);

/// The fields of a record that indexes need, as views into `bytes`. False when it is damaged; the
/// checksum is not looked at.
struct RecordView {
  Millis create_time{0};
  std::string_view key;
  std::string_view id;
};
bool ViewRecord(std::string_view bytes, RecordView* view);

}  // namespace aiflow
