#include "storage/segments/removed_events.h"

#include <utility>

#include "storage/segments/bytes.h"
#include "storage/segments/frame_file.h"

namespace aiflow {
namespace {

constexpr std::string_view kMagic = "AIFLREM\n";
constexpr uint32_t kVersion = 1;
constexpr size_t kLogIdBytes = 36;
constexpr size_t kLogIdAt = 12;
constexpr size_t kFixedBytes = 68;
constexpr size_t kChecksumBytes = 4;

/// Takes numbers off the front; after the first that is not there all are 0.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}
  template <typename T>
  T Take() {
    if (bytes_.size() < sizeof(T)) {
      ok_ = false;
      return 0;
    }
    const T value = GetNumber<T>(bytes_, 0);
    bytes_.remove_prefix(sizeof(T));
    return value;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool complete() const { return ok_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace

Status RemovedEvents::Write(FileSystem& files, const std::string& directory,
                            const std::string& log_id) const {
  std::string bytes(kMagic);
  PutNumber<uint32_t>(bytes, kVersion);
  bytes += log_id;
  PutNumber<int64_t>(bytes, first);
  PutNumber<int64_t>(bytes, last_time.count());
  PutNumber<uint32_t>(bytes, static_cast<uint32_t>(sequences.ranges().size()));
  for (const auto& [client, ranges] : sequences.ranges()) {
    PutNumber<int64_t>(bytes, client);
    PutNumber<uint32_t>(bytes, static_cast<uint32_t>(ranges.size()));
    for (const auto& [from, to] : ranges) {
      PutNumber<int64_t>(bytes, from);
      PutNumber<int64_t>(bytes, to);
    }
  }
  PutNumber<uint32_t>(bytes, Checksum(bytes));
  return ReplaceFile(files, directory, kFileName, bytes);
}

Result<RemovedEvents> RemovedEvents::Read(FileSystem& files, const std::string& directory,
                                          const std::string& log_id) {
  const std::string path = directory + "/" + kFileName;
  const auto contents = ReadFile(files, path);
  if (!contents) return Error(contents.error());
  const std::string_view bytes = *contents;
  const Status damaged(Code::kDataLoss, path + " is damaged; restore the log from a backup");
  if (bytes.size() < kFixedBytes + kChecksumBytes || bytes.substr(0, kMagic.size()) != kMagic) {
    return Error(damaged);
  }
  const size_t body = bytes.size() - kChecksumBytes;
  if (GetNumber<uint32_t>(bytes, body) != Checksum(bytes.substr(0, body))) return Error(damaged);
  if (GetNumber<uint32_t>(bytes, kMagic.size()) > kVersion) {
    return Error(Code::kFailedPrecondition,
                 path + " was written by a newer version: use the newer program");
  }
  if (bytes.substr(kLogIdAt, kLogIdBytes) != log_id) {
    return Error(Code::kFailedPrecondition, path + " belongs to another log");
  }
  RemovedEvents removed;
  Cursor cursor(bytes.substr(kLogIdAt + kLogIdBytes, body - kLogIdAt - kLogIdBytes));
  removed.first = cursor.Take<int64_t>();
  removed.last_time = Millis(cursor.Take<int64_t>());
  for (auto clients = cursor.Take<uint32_t>(); clients > 0 && cursor.ok(); --clients) {
    const auto client = cursor.Take<int64_t>();
    ClientSequences::Ranges ranges;
    for (auto count = cursor.Take<uint32_t>(); count > 0 && cursor.ok(); --count) {
      const auto from = cursor.Take<int64_t>();
      ranges.emplace_back(from, cursor.Take<int64_t>());
    }
    removed.sequences.SetRanges(client, std::move(ranges));
  }
  if (!cursor.complete() || removed.first < 1) return Error(damaged);
  return removed;
}

}  // namespace aiflow
