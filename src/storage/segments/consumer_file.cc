#include "storage/segments/consumer_file.h"

#include <string_view>
#include <vector>

#include "storage/segments/bytes.h"
#include "storage/segments/frame_file.h"

namespace aiflow {
namespace {

constexpr std::string_view kMagic = "AIFLCON\n";
constexpr uint32_t kVersion = 1;
constexpr size_t kLogIdBytes = 36;
constexpr size_t kLogIdAt = 12;
constexpr size_t kFixedBytes = kLogIdAt + kLogIdBytes;
constexpr size_t kChecksumBytes = 4;

void PutText(std::string& out, const std::string& text) {
  PutNumber<uint32_t>(out, static_cast<uint32_t>(text.size()));
  out += text;
}

/// Takes values off the front; after the first that is not there all are empty.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
  T TakeNumber() {
    if (bytes_.size() < sizeof(T)) {
      ok_ = false;
      return 0;
    }
    const T value = GetNumber<T>(bytes_, 0);
    bytes_.remove_prefix(sizeof(T));
    return value;
  }
  std::string TakeText() {
    const auto size = TakeNumber<uint32_t>();
    if (bytes_.size() < size) {
      ok_ = false;
      return "";
    }
    const std::string text(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return text;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool complete() const { return ok_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace

Status WriteConsumers(FileSystem& files, const std::string& directory, const std::string& log_id,
                      const ConsumerTable& consumers) {
  std::string bytes(kMagic);
  PutNumber<uint32_t>(bytes, kVersion);
  bytes += log_id;
  PutText(bytes, consumers.owner());
  const std::vector<Consumer> list = consumers.List();
  PutNumber<uint32_t>(bytes, static_cast<uint32_t>(list.size()));
  for (const Consumer& consumer : list) {
    PutText(bytes, consumer.name);
    PutNumber<int64_t>(bytes, consumer.cursor);
    PutNumber<int64_t>(bytes, consumer.create_time.count());
    PutNumber<int64_t>(bytes, consumer.commit_time.count());
  }
  PutNumber<uint32_t>(bytes, Checksum(bytes));
  return ReplaceFile(files, directory, kConsumerFileName, bytes);
}

Result<ConsumerTable> ReadConsumers(FileSystem& files, const std::string& directory,
                                    const std::string& log_id) {
  const std::string path = directory + "/" + kConsumerFileName;
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
  ConsumerTable table;
  Cursor cursor(bytes.substr(kFixedBytes, body - kFixedBytes));
  if (Status owner = table.SetOwner(cursor.TakeText()); !owner.ok()) return Error(damaged);
  for (auto count = cursor.TakeNumber<uint32_t>(); count > 0 && cursor.ok(); --count) {
    Consumer consumer;
    consumer.name = cursor.TakeText();
    consumer.cursor = cursor.TakeNumber<int64_t>();
    consumer.create_time = Millis(cursor.TakeNumber<int64_t>());
    consumer.commit_time = Millis(cursor.TakeNumber<int64_t>());
    if (cursor.ok()) table.Put(consumer);
  }
  if (!cursor.complete()) return Error(damaged);
  return table;
}

}  // namespace aiflow
