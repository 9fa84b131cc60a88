#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "model/ids.h"
#include "storage/io/file_system.h"
#include "storage/segments/frame_file.h"
#include "storage/segments/sip_hash.h"

namespace aiflow {

/// Where one event is in its file.
struct EventPlace {
  Offset offset = 0;
  uint32_t position = 0;
};

/// A run of consecutive events in one file, with its index in memory (8 bytes per event). Not
/// thread-safe: the log guards it; file() may be read without.
class Segment {
 public:
  /// Takes an id's hash and the event's offset, while a segment is opened.
  using OnId = std::function<void(uint64_t hash, Offset offset)>;

  static std::string FileName(Offset first);
  static std::string IndexName(Offset first);
  /// The first offset told by a segment's file name; 0 when it is another file's.
  static Offset FirstOf(const std::string& name);
  static Offset FirstOfIndex(const std::string& name);

  static Result<std::unique_ptr<Segment>> Create(FileSystem& files, const std::string& directory,
                                                 const std::string& log_id, Offset first,
                                                 uint64_t salt);
  /// Opens the segment that appends go to: reads and checks all of it.
  static Result<std::unique_ptr<Segment>> OpenLast(FileSystem& files, const std::string& directory,
                                                   const std::string& log_id, const SipKey& key,
                                                   Offset first, const OnId& on_id);
  /// Opens an older one by its index file; where that is missing or damaged, reads all and writes
  /// it.
  static Result<std::unique_ptr<Segment>> OpenSealed(FileSystem& files,
                                                     const std::string& directory,
                                                     const std::string& log_id, const SipKey& key,
                                                     Offset first, const OnId& on_id);

  /// What Append has written and Publish is to show.
  struct Pending {
    std::vector<uint32_t> positions;
    std::vector<uint32_t> tags;
    std::vector<uint64_t> ids;  // hash of each event's id; 0 = none
    Millis last_time{0};
  };
  /// Begins a batch in `buffer`; records follow.
  static void BeginBatch(Offset first, std::string& buffer);
  /// Writes the batch, durably. The positions in `pending` count from the begin of the batch on
  /// entry, from the begin of the file on return.
  Status Append(std::string& batch, Pending& pending);
  void Publish(Pending pending);
  /// Writes the index file and frees what only the active segment needs. A failure does no harm.
  void Seal(FileSystem& files, const std::string& directory);
  Status Trim() { return frames_->Trim(); }
  void set_reserve_step(uint64_t bytes) { frames_->set_reserve_step(bytes); }

  Offset first() const { return frames_->header().first; }
  Offset last() const { return first() + static_cast<Offset>(positions_.size()) - 1; }
  bool empty() const { return positions_.empty(); }
  Millis last_time() const { return last_time_; }
  uint64_t end() const { return frames_->end(); }
  const std::string& path() const { return frames_->path(); }
  const std::shared_ptr<File>& file() const { return frames_->file(); }

  EventPlace PlaceOf(Offset offset) const;
  /// Adds at most `limit` places of events in (after, until], with `tag` those of keys that hash to
  /// it. Returns the last offset looked at.
  Offset Collect(Offset after, Offset until, const uint32_t* tag, size_t limit,
                 std::vector<EventPlace>* places) const;

  static uint32_t TagOf(const SipKey& key, std::string_view event_key) {
    return static_cast<uint32_t>(SipHash(key, event_key));
  }
  /// Never 0.
  static uint64_t IdHash(const SipKey& key, std::string_view id) {
    return std::max<uint64_t>(SipHash(key, id), 1);
  }

 private:
  Segment() = default;
  Status AddFrame(const SipKey& key, uint64_t position, std::string_view payload);
  bool LoadIndex(FileSystem& files, const std::string& directory, const OnId& on_id);
  void WriteIndex(FileSystem& files, const std::string& directory) const;

  std::unique_ptr<FrameFile> frames_;
  std::vector<uint32_t> positions_;
  std::vector<uint32_t> tags_;
  std::vector<uint64_t> ids_;  // of the active segment only
  Millis last_time_{0};
};

}  // namespace aiflow
