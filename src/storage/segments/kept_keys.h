#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "model/event.h"
#include "storage/io/file_system.h"
#include "storage/segments/sip_hash.h"

namespace aiflow {

/// What is kept of an event that was removed, to know a repetition of it: 128 bits of hash of its
/// idempotency key, and 64 of its payload.
struct KeptKey {
  Offset offset = 0;
  uint64_t id_hash = 0;  // as in the id index
  uint64_t id_check = 0;
  uint64_t payload = 0;
  Millis create_time{0};

  static KeptKey Of(const SipKey& key, const Event& event);
  /// Whether `event` has the same idempotency key, and whether it is the same event.
  [[nodiscard]] bool SameId(const KeptKey& other) const {
    return id_hash == other.id_hash && id_check == other.id_check;
  }
  [[nodiscard]] bool SamePayload(const KeptKey& other) const { return payload == other.payload; }
};

/// The keys of one removed segment, in a file of their own (docs/formats/event-log.md). Made step
/// by step, and there for good once Finish has returned. One thread.
class KeptKeys {
 public:
  static std::string FileName(Offset first);
  /// The first offset told by a file's name; 0 when it is another file's.
  static Offset FirstOf(const std::string& name);

  /// Begins the file of the segment with these offsets, under a temporary name.
  static Result<std::unique_ptr<KeptKeys>> Begin(FileSystem& files, const std::string& directory,
                                                 const std::string& log_id, Offset first,
                                                 Offset last, Millis removed_at);
  /// Adds keys in the order of their offsets, durably. After an error begin anew.
  Status Add(const std::vector<KeptKey>& keys);
  Status Finish();

  /// kDataLoss when the file is damaged.
  static Result<std::unique_ptr<KeptKeys>> Open(FileSystem& files, const std::string& directory,
                                                const std::string& log_id, Offset first);

  /// Calls `on_key(hash, offset)` for each key.
  using OnKey = std::function<void(uint64_t hash, Offset offset)>;
  Status Each(const OnKey& on_key) const;
  Result<std::optional<KeptKey>> Find(Offset offset) const;

  Offset first() const { return first_; }
  Offset last() const { return last_; }
  /// When the segment was removed.
  Millis removed_at() const { return removed_at_; }
  uint64_t size() const { return count_; }
  const std::string& path() const { return path_; }

 private:
  KeptKeys(FileSystem& files, std::string directory, Offset first);
  Result<KeptKey> ReadAt(uint64_t index) const;
  Status Damage(const std::string& what) const;

  FileSystem& files_;
  const std::string directory_;
  const std::string path_;
  std::unique_ptr<File> file_;
  Offset first_ = 0;
  Offset last_ = 0;
  Millis removed_at_{0};
  uint64_t count_ = 0;
  uint32_t checksum_ = 0;  // of what is written so far
};

}  // namespace aiflow
