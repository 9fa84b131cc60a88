#include "storage/segments/frame_file.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "storage/segments/bytes.h"

namespace aiflow {
namespace {

constexpr uint64_t kPage = 4096;
constexpr size_t kKeptFrameBytes = 4 << 20;
constexpr size_t kLogIdBytes = 36;

std::string EncodeHeader(const FrameFile::Header& header) {
  CHECK(header.magic.size() == 8 && header.log_id.size() == kLogIdBytes) << header.log_id;
  std::string bytes = header.magic;
  PutNumber<uint32_t>(bytes, FrameFile::kVersion);
  PutNumber<uint32_t>(bytes, 0);
  PutNumber<int64_t>(bytes, header.first);
  PutNumber<uint64_t>(bytes, header.salt);
  bytes += header.log_id;
  PutNumber<uint32_t>(bytes, Checksum(bytes));
  CHECK(bytes.size() == FrameFile::kHeaderBytes);
  return bytes;
}

}  // namespace

uint32_t Checksum(std::string_view bytes, uint32_t before) {
  return static_cast<uint32_t>(
      crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

FrameFile::FrameFile(std::string path, std::shared_ptr<File> file, Header header)
    : path_(std::move(path)), file_(std::move(file)), header_(std::move(header)) {}

Result<std::unique_ptr<FrameFile>> FrameFile::Create(FileSystem& files,
                                                     const std::string& directory,
                                                     const std::string& name,
                                                     const Header& header) {
  const std::string path = directory + "/" + name;
  auto file = files.Create(path + ".tmp");
  if (!file) return Error(file.error());
  const std::string bytes = EncodeHeader(header);
  Status status = (*file)->WriteAt(0, bytes);
  if (status.ok()) status = (*file)->Sync();
  if (status.ok()) status = files.Rename(path + ".tmp", path);
  if (status.ok()) status = files.SyncDirectory(directory);
  if (!status.ok()) return Error(status);
  std::unique_ptr<FrameFile> result(new FrameFile(path, std::move(*file), header));
  result->reserved_ = kHeaderBytes;
  result->tail_ = bytes;
  return result;
}

Result<std::unique_ptr<FrameFile>> FrameFile::OpenHeader(FileSystem& files, const std::string& path,
                                                         std::string_view magic,
                                                         std::string_view log_id) {
  auto file = files.Open(path);
  if (!file) return Error(file.error());
  std::string bytes(kHeaderBytes, '\0');
  const auto read = (*file)->ReadAt(0, bytes.data(), bytes.size());
  if (!read) return Error(read.error());
  const std::string_view view = bytes;
  if (*read < kHeaderBytes || view.substr(0, 8) != magic) {
    return Error(Code::kDataLoss, path + " at byte 0: not a file of an event log");
  }
  const auto version = GetNumber<uint32_t>(view, 8);
  if (version > kVersion) {
    return Error(Code::kFailedPrecondition,
                 path + " was written by a newer version (format " + std::to_string(version) +
                     ", this program reads up to " + std::to_string(kVersion) +
                     "): use the newer program");
  }
  if (GetNumber<uint32_t>(view, kHeaderBytes - 4) != Checksum(view.substr(0, kHeaderBytes - 4))) {
    return Error(Code::kDataLoss, path + " at byte 0: the header is damaged");
  }
  Header header{std::string(magic), std::string(view.substr(32, kLogIdBytes)),
                GetNumber<int64_t>(view, 16), GetNumber<uint64_t>(view, 24)};
  if (header.log_id != log_id) {
    return Error(Code::kFailedPrecondition, path + " belongs to the log " + header.log_id +
                                                ", this directory to " + std::string(log_id));
  }
  return std::unique_ptr<FrameFile>(new FrameFile(path, std::move(*file), std::move(header)));
}

Result<std::unique_ptr<FrameFile>> FrameFile::OpenLast(FileSystem& files, const std::string& path,
                                                       std::string_view magic,
                                                       std::string_view log_id,
                                                       const OnFrame& on_frame) {
  auto opened = OpenHeader(files, path, magic, log_id);
  if (!opened) return opened;
  Status status = (*opened)->Scan(on_frame, /*may_cut=*/true);
  if (status.ok()) status = (*opened)->MakeTailDurable();
  if (!status.ok()) return Error(status);
  return opened;
}

Result<std::unique_ptr<FrameFile>> FrameFile::OpenSealed(FileSystem& files, const std::string& path,
                                                         std::string_view magic,
                                                         std::string_view log_id,
                                                         const OnFrame& on_frame) {
  auto opened = OpenHeader(files, path, magic, log_id);
  if (!opened || on_frame == nullptr) return opened;
  if (Status status = (*opened)->Scan(on_frame, /*may_cut=*/false); !status.ok()) {
    return Error(status);
  }
  return opened;
}

bool FrameFile::WholeFrameAt(std::string_view contents, uint64_t position) const {
  if (contents.size() - position < kFrameHeaderBytes) return false;
  if (GetNumber<uint64_t>(contents, position) != header_.salt) return false;
  const auto size = GetNumber<uint32_t>(contents, position + 8);
  if (size == 0 || contents.size() - position - kFrameHeaderBytes < size) return false;
  return GetNumber<uint32_t>(contents, position + 12) ==
         Checksum(contents.substr(position + kFrameHeaderBytes, size));
}

Status FrameFile::Scan(const OnFrame& on_frame, bool may_cut) {
  const auto size = file_->Size();
  if (!size) return size.error();
  std::string buffer(*size, '\0');
  const auto read = file_->ReadAt(0, buffer.data(), buffer.size());
  if (!read) return read.error();
  const std::string_view contents(buffer.data(), *read);
  uint64_t at = kHeaderBytes;
  while (WholeFrameAt(contents, at)) {
    const auto payload = GetNumber<uint32_t>(contents, at + 8);
    AIFLOW_RETURN_IF_ERROR(
        on_frame(at + kFrameHeaderBytes, contents.substr(at + kFrameHeaderBytes, payload)));
    last_frame_ = at;
    at += kFrameHeaderBytes + payload;
  }
  const std::string_view rest = contents.substr(at);
  end_ = at;
  if (rest.find_first_not_of('\0') == std::string_view::npos) return Status::Ok();
  if (!may_cut) return Damage(at, "damaged");
  std::string salt;
  PutNumber<uint64_t>(salt, header_.salt);
  for (size_t next = contents.find(salt, at + 1); next != std::string_view::npos;
       next = contents.find(salt, next + 1)) {
    if (WholeFrameAt(contents, next)) {
      return Damage(at,
                    "damaged, while data behind it (byte " + std::to_string(next) + ") is whole");
    }
  }
  return Status::Ok();
}

Status FrameFile::Damage(uint64_t position, const std::string& what) const {
  return {Code::kDataLoss, path_ + " at byte " + std::to_string(position) + ": " + what +
                               ". Nothing was changed; restore the log from a backup"};
}

/// The last frame may be in the system's cache only: its writer can have died before the sync, or
/// even after a failed one, which a second sync would not bring to the disk. So it is written
/// again.
Status FrameFile::MakeTailDurable() {
  const uint64_t from = last_frame_ == kHeaderBytes ? 0 : last_frame_;
  const uint64_t begin = std::min(from, end_ / kPage * kPage);
  std::string bytes(end_ - begin, '\0');
  const auto read = file_->ReadAt(begin, bytes.data(), bytes.size());
  if (!read) return read.error();
  if (*read != bytes.size()) return Damage(begin + *read, "the file shrank while it was read");
  AIFLOW_RETURN_IF_ERROR(file_->Truncate(end_));
  AIFLOW_RETURN_IF_ERROR(file_->WriteAt(begin, bytes));
  AIFLOW_RETURN_IF_ERROR(file_->Sync());
  reserved_ = end_;
  tail_ = bytes.substr(end_ / kPage * kPage - begin);
  return Status::Ok();
}

Result<uint64_t> FrameFile::Append(std::string_view payload) {
  CHECK(!payload.empty() && payload.size() <= kMaxPayloadBytes) << path_;
  if (Status status = Settle(); !status.ok()) return Error(status);
  frame_.clear();
  PutNumber<uint64_t>(frame_, header_.salt);
  PutNumber<uint32_t>(frame_, static_cast<uint32_t>(payload.size()));
  PutNumber<uint32_t>(frame_, Checksum(payload));
  frame_ += payload;
  if (Status status = Reserve(end_ + frame_.size()); !status.ok()) return Error(status);
  Status status = file_->WriteAt(end_, frame_);
  if (status.ok()) status = file_->Sync();
  if (!status.ok()) {
    unsettled_ = true;
    // When this fails too, the next Append or Settle tries again.
    if (const Status settled = Settle(); !settled.ok()) {
      return Error(status.code(), status.message() + "; undoing the write failed as well (" +
                                      settled.message() + "), it is tried again before the next");
    }
    return Error(status);
  }
  last_frame_ = end_;
  RememberTail(frame_);
  end_ += frame_.size();
  if (frame_.capacity() > kKeptFrameBytes) frame_ = std::string();
  return last_frame_ + kFrameHeaderBytes;
}

/// Near the end of the disk a small step may still fit where a large one does not.
Status FrameFile::Reserve(uint64_t size) {
  if (size <= reserved_) return Status::Ok();
  const uint64_t large = (size + reserve_step_ - 1) / reserve_step_ * reserve_step_;
  if (file_->Reserve(large).ok()) {
    reserved_ = large;
    return Status::Ok();
  }
  const Status status = file_->Reserve(size);
  if (status.ok()) reserved_ = size;
  return status;
}

/// The page that holds the end of the good bytes may have been lost together with the failed write,
/// so it is written again.
Status FrameFile::Settle() {
  if (!unsettled_) return Status::Ok();
  AIFLOW_RETURN_IF_ERROR(file_->Truncate(end_));
  reserved_ = end_;
  AIFLOW_RETURN_IF_ERROR(file_->WriteAt(end_ - tail_.size(), tail_));
  AIFLOW_RETURN_IF_ERROR(file_->Sync());
  unsettled_ = false;
  return Status::Ok();
}

Status FrameFile::Trim() {
  AIFLOW_RETURN_IF_ERROR(Settle());
  reserved_ = end_;
  return file_->Truncate(end_);
}

void FrameFile::RememberTail(std::string_view written) {
  const uint64_t keep = (end_ + written.size()) % kPage;
  if (written.size() >= keep) {
    tail_.assign(written.substr(written.size() - keep));
  } else {
    tail_ += written;
  }
}

}  // namespace aiflow
