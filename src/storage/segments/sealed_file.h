#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "storage/io/file_system.h"
#include "storage/segments/bytes.h"

namespace aiflow {

/// A small file of a log that is replaced as a whole (docs/formats/event-log.md): magic, version,
/// the log's id, a body, a checksum of all that.
struct SealedFile {
  std::string_view magic;  // 8 bytes
  uint32_t version = 1;
  const char* name = "";

  /// Durable on return; after an error the old file or the new one is there.
  Status Write(FileSystem& files, const std::string& directory, const std::string& log_id,
               std::string_view body) const;
  /// The body. kDataLoss when the file is damaged, kFailedPrecondition for another log's or a newer
  /// version's.
  [[nodiscard]] Result<std::string> Read(FileSystem& files, const std::string& directory,
                                         const std::string& log_id) const;
  /// What a body is that its reader cannot make sense of.
  [[nodiscard]] Status Damaged(const std::string& directory) const;
};

/// Takes values off the front of a body; after the first that is not there all are 0 or empty.
class BodyReader {
 public:
  explicit BodyReader(std::string_view bytes) : bytes_(bytes) {}

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
  /// As PutText writes it.
  std::string TakeText() {
    const auto size = TakeNumber<uint32_t>();
    if (bytes_.size() < size) {
      ok_ = false;
      return "";
    }
    std::string text(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return text;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool complete() const { return ok_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

/// Appends a text with its size.
void PutText(std::string& out, const std::string& text);

}  // namespace aiflow
