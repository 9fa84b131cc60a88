#include "storage/segments/kept_keys.h"

#include <cstdio>
#include <cstdlib>

#include "base/check.h"
#include "storage/segments/bytes.h"
#include "storage/segments/frame_file.h"
#include "storage/segments/segment.h"

namespace aiflow {
namespace {

constexpr std::string_view kMagic = "AIFLKEY\n";
constexpr uint32_t kVersion = 1;
constexpr size_t kLogIdAt = 40;
constexpr size_t kLogIdBytes = 36;
constexpr size_t kHeaderBytes = 80;
constexpr size_t kKeyBytes = 40;
constexpr size_t kChecksumBytes = 4;

/// Two more hash functions, independent of the one that the index uses.
constexpr uint64_t kCheckTweak = 0x636865636b206964;    // "check id"
constexpr uint64_t kPayloadTweak = 0x7061796c6f616473;  // "payloads"

void PutText(std::string& out, const std::string& text) {
  PutNumber<uint64_t>(out, text.size());
  out += text;
}

KeptKey Decode(std::string_view bytes) {
  return {GetNumber<int64_t>(bytes, 0), GetNumber<uint64_t>(bytes, 8),
          GetNumber<uint64_t>(bytes, 16), GetNumber<uint64_t>(bytes, 24),
          Millis(GetNumber<int64_t>(bytes, 32))};
}

}  // namespace

KeptKey KeptKey::Of(const SipKey& key, const Event& event) {
  std::string payload;
  for (const std::string* text : {&event.key, &event.value, &event.context, &event.ns}) {
    PutText(payload, *text);
  }
  KeptKey kept;
  kept.offset = event.offset;
  kept.id_hash = Segment::IdHash(key, event.id);
  kept.id_check = SipHash({key[0] ^ kCheckTweak, key[1]}, event.id);
  kept.payload = SipHash({key[0] ^ kPayloadTweak, key[1]}, payload);
  kept.create_time = event.create_time;
  return kept;
}

std::string KeptKeys::FileName(Offset first) {
  char name[40];
  std::snprintf(name, sizeof(name), "%020lld.keys", static_cast<long long>(first));
  return name;
}

Offset KeptKeys::FirstOf(const std::string& name) {
  const Offset first = std::strtoll(name.c_str(), nullptr, 10);
  return first > 0 && name == FileName(first) ? first : 0;
}

KeptKeys::KeptKeys(FileSystem& files, std::string directory, Offset first)
    : files_(files),
      directory_(std::move(directory)),
      path_(directory_ + "/" + FileName(first)),
      first_(first) {}

Result<std::unique_ptr<KeptKeys>> KeptKeys::Begin(FileSystem& files, const std::string& directory,
                                                  const std::string& log_id, Offset first,
                                                  Offset last, Millis removed_at) {
  CHECK(log_id.size() == kLogIdBytes) << log_id;
  std::unique_ptr<KeptKeys> keys(new KeptKeys(files, directory, first));
  keys->last_ = last;
  keys->removed_at_ = removed_at;
  std::string header(kMagic);
  PutNumber<uint32_t>(header, kVersion);
  PutNumber<uint32_t>(header, 0);
  PutNumber<int64_t>(header, first);
  PutNumber<int64_t>(header, last);
  PutNumber<int64_t>(header, removed_at.count());
  header += log_id;
  PutNumber<uint32_t>(header, 0);
  CHECK(header.size() == kHeaderBytes);
  auto file = files.Create(keys->path_ + ".tmp");
  if (!file) return Error(file.error());
  if (Status status = (*file)->WriteAt(0, header); !status.ok()) return Error(status);
  keys->file_ = std::move(*file);
  keys->checksum_ = Checksum(header);
  return keys;
}

Status KeptKeys::Add(const std::vector<KeptKey>& keys) {
  std::string bytes;
  bytes.reserve(keys.size() * kKeyBytes);
  for (const KeptKey& key : keys) {
    PutNumber<int64_t>(bytes, key.offset);
    PutNumber<uint64_t>(bytes, key.id_hash);
    PutNumber<uint64_t>(bytes, key.id_check);
    PutNumber<uint64_t>(bytes, key.payload);
    PutNumber<int64_t>(bytes, key.create_time.count());
  }
  AIFLOW_RETURN_IF_ERROR(file_->WriteAt(kHeaderBytes + count_ * kKeyBytes, bytes));
  // Little by little, so that Finish does not hold the log up.
  AIFLOW_RETURN_IF_ERROR(file_->Sync());
  checksum_ = Checksum(bytes, checksum_);
  count_ += keys.size();
  return Status::Ok();
}

Status KeptKeys::Finish() {
  std::string checksum;
  PutNumber<uint32_t>(checksum, checksum_);
  AIFLOW_RETURN_IF_ERROR(file_->WriteAt(kHeaderBytes + count_ * kKeyBytes, checksum));
  AIFLOW_RETURN_IF_ERROR(file_->Sync());
  AIFLOW_RETURN_IF_ERROR(files_.Rename(path_ + ".tmp", path_));
  return files_.SyncDirectory(directory_);
}

Result<std::unique_ptr<KeptKeys>> KeptKeys::Open(FileSystem& files, const std::string& directory,
                                                 const std::string& log_id, Offset first) {
  std::unique_ptr<KeptKeys> keys(new KeptKeys(files, directory, first));
  const auto contents = ReadFile(files, keys->path_);
  if (!contents) return Error(contents.error());
  const std::string_view bytes = *contents;
  const size_t body = bytes.size() < kChecksumBytes ? 0 : bytes.size() - kChecksumBytes;
  if (body < kHeaderBytes || (body - kHeaderBytes) % kKeyBytes != 0 ||
      bytes.substr(0, kMagic.size()) != kMagic ||
      GetNumber<uint32_t>(bytes, body) != Checksum(bytes.substr(0, body)) ||
      GetNumber<int64_t>(bytes, 16) != first) {
    return Error(keys->Damage("damaged"));
  }
  if (GetNumber<uint32_t>(bytes, 8) > kVersion) {
    return Error(Code::kFailedPrecondition,
                 keys->path_ + " was written by a newer version: use the newer program");
  }
  if (bytes.substr(kLogIdAt, kLogIdBytes) != log_id) {
    return Error(Code::kFailedPrecondition, keys->path_ + " belongs to another log");
  }
  keys->last_ = GetNumber<int64_t>(bytes, 24);
  keys->removed_at_ = Millis(GetNumber<int64_t>(bytes, 32));
  keys->count_ = (body - kHeaderBytes) / kKeyBytes;
  auto file = files.Open(keys->path_);
  if (!file) return Error(file.error());
  keys->file_ = std::move(*file);
  return keys;
}

Status KeptKeys::Each(const OnKey& on_key) const {
  std::string bytes(count_ * kKeyBytes, '\0');
  const auto read = file_->ReadAt(kHeaderBytes, bytes.data(), bytes.size());
  if (!read) return read.error();
  if (*read != bytes.size()) return Damage("cut off");
  for (size_t at = 0; at < bytes.size(); at += kKeyBytes) {
    on_key(GetNumber<uint64_t>(bytes, at + 8), GetNumber<int64_t>(bytes, at));
  }
  return Status::Ok();
}

Result<KeptKey> KeptKeys::ReadAt(uint64_t index) const {
  std::string bytes(kKeyBytes, '\0');
  const auto read = file_->ReadAt(kHeaderBytes + index * kKeyBytes, bytes.data(), bytes.size());
  if (!read) return Error(read.error());
  if (*read != bytes.size()) return Error(Damage("cut off"));
  return Decode(bytes);
}

Result<std::optional<KeptKey>> KeptKeys::Find(Offset offset) const {
  uint64_t low = 0;
  uint64_t high = count_;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    const auto key = ReadAt(middle);
    if (!key) return Error(key.error());
    if (key->offset == offset) return std::optional(*key);
    if (key->offset < offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return std::optional<KeptKey>();
}

Status KeptKeys::Damage(const std::string& what) const {
  return {Code::kDataLoss, path_ + ": " + what +
                               "; restore the log from a backup, or remove the file: then "
                               "repetitions of events " +
                               std::to_string(first_) +
                               " and on, which were removed, count as new"};
}

}  // namespace aiflow
