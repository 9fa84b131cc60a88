#include "storage/segments/segment.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/check.h"
#include "storage/segments/bytes.h"
#include "storage/segments/record.h"

namespace aiflow {
namespace {

constexpr std::string_view kSegmentMagic = "AIFLSEG\n";
constexpr std::string_view kIndexMagic = "AIFLIDX\n";
constexpr uint32_t kIndexVersion = 1;
constexpr size_t kIndexHeaderBytes = 56;
constexpr size_t kIndexBytesPerEvent = 16;
constexpr size_t kBatchHeaderBytes = 16;  // first offset, count, zero
constexpr size_t kCountAt = 8;

std::string NameOf(Offset first, const char* suffix) {
  char name[40];
  std::snprintf(name, sizeof(name), "%020lld%s", static_cast<long long>(first), suffix);
  return name;
}

template <typename T>
void PutArray(std::string& out, const std::vector<T>& values) {
  out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

template <typename T>
std::vector<T> GetArray(std::string_view bytes, size_t position, size_t count) {
  std::vector<T> values(count);
  if (count > 0) std::memcpy(values.data(), bytes.data() + position, count * sizeof(T));
  return values;
}

}  // namespace

std::string Segment::FileName(Offset first) { return NameOf(first, ".segment"); }
std::string Segment::IndexName(Offset first) { return NameOf(first, ".index"); }

Offset Segment::FirstOf(const std::string& name) {
  const Offset first = std::strtoll(name.c_str(), nullptr, 10);
  return first > 0 && name == FileName(first) ? first : 0;
}

Offset Segment::FirstOfIndex(const std::string& name) {
  const Offset first = std::strtoll(name.c_str(), nullptr, 10);
  return first > 0 && name == IndexName(first) ? first : 0;
}

Result<std::unique_ptr<Segment>> Segment::Create(FileSystem& files, const std::string& directory,
                                                 const std::string& log_id, Offset first,
                                                 uint64_t salt) {
  auto frames = FrameFile::Create(files, directory, FileName(first),
                                  {std::string(kSegmentMagic), log_id, first, salt});
  if (!frames) return Error(frames.error());
  std::unique_ptr<Segment> segment(new Segment());
  segment->frames_ = std::move(*frames);
  return segment;
}

Result<std::unique_ptr<Segment>> Segment::OpenLast(FileSystem& files, const std::string& directory,
                                                   const std::string& log_id, const SipKey& key,
                                                   Offset first, const OnId& on_id) {
  std::unique_ptr<Segment> segment(new Segment());
  Offset next = first;
  auto frames = FrameFile::OpenLast(
      files, directory + "/" + FileName(first), kSegmentMagic, log_id,
      [&](uint64_t position, std::string_view payload) -> Status {
        if (payload.size() < kBatchHeaderBytes || GetNumber<int64_t>(payload, 0) != next) {
          return {Code::kDataLoss, directory + "/" + FileName(first) + " at byte " +
                                       std::to_string(position) + ": not the batch of offset " +
                                       std::to_string(next)};
        }
        AIFLOW_RETURN_IF_ERROR(segment->AddFrame(key, position, payload));
        next = first + static_cast<Offset>(segment->positions_.size());
        return Status::Ok();
      });
  if (!frames) return Error(frames.error());
  segment->frames_ = std::move(*frames);
  if (segment->first() != first) {
    return Error(Code::kDataLoss, segment->path() + " at byte 0: name and header differ");
  }
  for (size_t i = 0; i < segment->ids_.size(); ++i) {
    if (segment->ids_[i] != 0) on_id(segment->ids_[i], first + static_cast<Offset>(i));
  }
  return segment;
}

Result<std::unique_ptr<Segment>> Segment::OpenSealed(FileSystem& files,
                                                     const std::string& directory,
                                                     const std::string& log_id, const SipKey& key,
                                                     Offset first, const OnId& on_id) {
  const std::string path = directory + "/" + FileName(first);
  auto frames = FrameFile::OpenSealed(files, path, kSegmentMagic, log_id, nullptr);
  if (!frames) return Error(frames.error());
  std::unique_ptr<Segment> segment(new Segment());
  segment->frames_ = std::move(*frames);
  if (segment->first() != first) {
    return Error(Code::kDataLoss, path + " at byte 0: name and header differ");
  }
  if (segment->LoadIndex(files, directory, on_id)) return segment;
  frames = FrameFile::OpenSealed(files, path, kSegmentMagic, log_id,
                                 [&](uint64_t position, std::string_view payload) {
                                   return segment->AddFrame(key, position, payload);
                                 });
  if (!frames) return Error(frames.error());
  segment->frames_ = std::move(*frames);
  for (size_t i = 0; i < segment->ids_.size(); ++i) {
    if (segment->ids_[i] != 0) on_id(segment->ids_[i], first + static_cast<Offset>(i));
  }
  segment->Seal(files, directory);
  return segment;
}

Status Segment::AddFrame(const SipKey& key, uint64_t position, std::string_view payload) {
  const Status damaged(Code::kDataLoss, "a segment at byte " + std::to_string(position) +
                                            ": the checksum is right and the batch is not");
  if (payload.size() < kBatchHeaderBytes) return damaged;
  const auto count = GetNumber<uint32_t>(payload, kCountAt);
  size_t at = kBatchHeaderBytes;
  for (uint32_t i = 0; i < count; ++i) {
    RecordView view;
    if (!ViewRecord(payload.substr(at), &view)) return damaged;
    positions_.push_back(static_cast<uint32_t>(position + at));
    tags_.push_back(TagOf(key, view.key));
    ids_.push_back(view.id.empty() ? 0 : IdHash(key, view.id));
    last_time_ = view.create_time;
    at += RecordSizeAt(payload.substr(at));
  }
  return at == payload.size() ? Status::Ok() : damaged;
}

void Segment::BeginBatch(Offset first, std::string& buffer) {
  buffer.clear();
  PutNumber<int64_t>(buffer, first);
  PutNumber<uint64_t>(buffer, 0);  // the count is set by Append
}

Status Segment::Append(std::string& batch, Pending& pending) {
  const auto count = static_cast<uint32_t>(pending.positions.size());
  CHECK(count > 0 && GetNumber<int64_t>(batch, 0) == last() + 1) << path();
  std::memcpy(batch.data() + kCountAt, &count, sizeof(count));
  const auto position = frames_->Append(batch);
  if (!position) return position.error();
  for (uint32_t& place : pending.positions) place += static_cast<uint32_t>(*position);
  return Status::Ok();
}

void Segment::Publish(Pending pending) {
  positions_.insert(positions_.end(), pending.positions.begin(), pending.positions.end());
  tags_.insert(tags_.end(), pending.tags.begin(), pending.tags.end());
  ids_.insert(ids_.end(), pending.ids.begin(), pending.ids.end());
  last_time_ = pending.last_time;
}

void Segment::Seal(FileSystem& files, const std::string& directory) {
  WriteIndex(files, directory);
  ids_ = {};
}

EventPlace Segment::PlaceOf(Offset offset) const {
  CHECK(offset >= first() && offset <= last()) << offset << " in " << path();
  return {offset, positions_[static_cast<size_t>(offset - first())]};
}

Offset Segment::Collect(Offset after, Offset until, const uint32_t* tag, size_t limit,
                        std::vector<EventPlace>* places) const {
  const Offset end = std::min(until, last());
  Offset at = std::max(after, first() - 1);
  while (at < end && places->size() < limit) {
    ++at;
    const auto i = static_cast<size_t>(at - first());
    if (tag == nullptr || tags_[i] == *tag) places->push_back({at, positions_[i]});
  }
  return at;
}

/// Not synced: an index that a crash leaves behind half written is told by its checksum, and made
/// again.
void Segment::WriteIndex(FileSystem& files, const std::string& directory) const {
  std::string bytes(kIndexMagic);
  PutNumber<uint32_t>(bytes, kIndexVersion);
  PutNumber<uint32_t>(bytes, static_cast<uint32_t>(positions_.size()));
  PutNumber<int64_t>(bytes, first());
  PutNumber<uint64_t>(bytes, frames_->header().salt);
  PutNumber<uint64_t>(bytes, frames_->end());
  PutNumber<int64_t>(bytes, last_time_.count());
  PutNumber<uint64_t>(bytes, 0);
  CHECK(bytes.size() == kIndexHeaderBytes);
  bytes.reserve(kIndexHeaderBytes + positions_.size() * kIndexBytesPerEvent + 4);
  PutArray(bytes, positions_);
  PutArray(bytes, tags_);
  PutArray(bytes, ids_);
  PutNumber<uint32_t>(bytes, Checksum(bytes));
  const std::string path = directory + "/" + IndexName(first());
  auto file = files.Create(path + ".tmp");
  if (file && (*file)->WriteAt(0, bytes).ok()) {
    if (files.Rename(path + ".tmp", path).ok()) return;
  }
}

bool Segment::LoadIndex(FileSystem& files, const std::string& directory, const OnId& on_id) {
  const auto contents = ReadFile(files, directory + "/" + IndexName(first()));
  if (!contents || contents->size() < kIndexHeaderBytes + 4) return false;
  const std::string_view bytes = *contents;
  const size_t body = bytes.size() - 4;
  const auto count = GetNumber<uint32_t>(bytes, 12);
  const auto file_size = file()->Size();
  if (bytes.substr(0, 8) != kIndexMagic || GetNumber<uint32_t>(bytes, 8) != kIndexVersion ||
      body != kIndexHeaderBytes + size_t{count} * kIndexBytesPerEvent ||
      GetNumber<int64_t>(bytes, 16) != first() ||
      GetNumber<uint64_t>(bytes, 24) != frames_->header().salt || !file_size ||
      *file_size < GetNumber<uint64_t>(bytes, 32) ||
      GetNumber<uint32_t>(bytes, body) != Checksum(bytes.substr(0, body))) {
    return false;
  }
  last_time_ = Millis(GetNumber<int64_t>(bytes, 40));
  positions_ = GetArray<uint32_t>(bytes, kIndexHeaderBytes, count);
  tags_ = GetArray<uint32_t>(bytes, kIndexHeaderBytes + size_t{count} * 4, count);
  const auto ids = GetArray<uint64_t>(bytes, kIndexHeaderBytes + size_t{count} * 8, count);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] != 0) on_id(ids[i], first() + static_cast<Offset>(i));
  }
  return true;
}

}  // namespace aiflow
