#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "storage/consumer_table.h"
#include "storage/event_log.h"
#include "storage/io/file_system.h"
#include "storage/segments/client_registry.h"
#include "storage/segments/id_index.h"
#include "storage/segments/kept_keys.h"
#include "storage/segments/record_reader.h"
#include "storage/segments/removed_events.h"
#include "storage/segments/segment.h"

namespace aiflow {

struct SegmentLogOptions {
  uint64_t segment_bytes = 64 << 20;  // a segment that has reached it is sealed; at most 1 GiB
  uint64_t reserve_bytes = 4 << 20;   // disk space taken ahead of the appends
  Millis idempotence_window = kIdempotenceWindow;
};

/// The event log in append-only segment files (docs/formats/event-log.md). Thread-safety as in
/// EventLog. Costs in memory 8 bytes per event, and 23 to 46 more per event with an id, the latter
/// also for removed ones whose id is known on. A piece that DropBefore removes is a segment; the
/// newest is closed early if it is to go.
class SegmentLog final : public EventLog {
 public:
  /// Opens the log in `directory`, or makes it there. `files` and `clock` must outlive it.
  /// kFailedPrecondition when another process has it open or a newer version wrote it; kDataLoss,
  /// with file and position, when durable data is damaged.
  static Result<std::unique_ptr<SegmentLog>> Open(FileSystem& files, const Clock& clock,
                                                  const std::string& directory,
                                                  SegmentLogOptions options);
  ~SegmentLog() override;

  std::string log_id() const override { return log_id_; }
  Offset head() const override { return head_.load(std::memory_order_acquire); }
  Offset first() const override;
  Result<std::vector<Result<AppendResult>>> Append(const std::vector<Event>& events) override;
  Result<std::vector<Event>> Read(Offset after, size_t max_events, size_t max_bytes) const override;
  Result<std::vector<Event>> List(const EventFilter& filter, size_t max_events,
                                  size_t max_bytes) const override;
  Result<std::pair<int64_t, std::vector<SenderCount>>> Count(
      const EventFilter& filter) const override;
  Result<Offset> OffsetAt(Millis time) const override;
  Result<Offset> OffsetBefore(Millis time) const override;
  Result<DropProgress> DropBefore(Offset offset) override;
  Result<int64_t> RegisterClient(const std::string& ns, const std::string& sender) override;
  Status DeleteClient(int64_t client_id) override;
  Result<bool> ClientExists(int64_t client_id) const override;
  Result<Consumer> RegisterConsumer(const std::string& name, Offset after) override;
  Result<Consumer> CommitConsumer(const std::string& name, Offset cursor) override;
  Status DeleteConsumer(const std::string& name) override;
  std::vector<Consumer> Consumers() const override;
  std::string owner() const override;
  Status SetOwner(const std::string& owner) override;

 private:
  struct Batch;
  /// A segment on its way out: its keys are taken in steps.
  struct Removal {
    explicit Removal(const Segment& segment);

    const Offset first;
    const Offset last;
    Offset next;  // not looked at yet
    Millis last_time{0};
    RecordReader reader;
    std::unique_ptr<KeptKeys> keys;  // made with the first key
    std::vector<ClientKey> client_keys;
    std::vector<std::pair<uint64_t, Offset>> client_hashes;
  };
  /// Takes one matching event; false ends the scan.
  using OnEvent = std::function<bool(Event&&)>;

  SegmentLog(FileSystem& files, const Clock& clock, std::string directory,
             SegmentLogOptions options);
  Status OpenDirectory();
  Status OpenMeta(const std::vector<std::string>& names);
  Status OpenSegments(const std::vector<std::string>& names);

  Result<AppendResult> Place(const Event& event, Batch& batch);
  /// Finds what a removal that was interrupted has left behind, too.
  Status OpenRemoved(const std::vector<std::string>& names);
  /// Stores the consumers as they are to be, then shows them to readers.
  Status ChangeConsumers(ConsumerTable consumers);

  Status KeepKeys(const Segment& segment);
  Status Remove();
  Status TidyUp();
  Status RemoveLeftovers();
  /// The answer to a repetition of the removed event at `offset`; nothing when it is another event.
  Result<std::optional<AppendResult>> FindRemoved(const Event& event, Offset offset) const;
  /// The answer to a repetition; nothing when the event is new.
  Result<std::optional<AppendResult>> FindStored(const Event& event, uint64_t hash) const;

  Result<AppendResult> CompareStored(const Event& event, const Event& stored) const;
  Status Write(Batch& batch);
  Status Roll();
  void AddSegment(Offset first, std::unique_ptr<Segment> segment);
  Segment& active() { return *segments_.rbegin()->second; }

  Status Scan(const EventFilter& filter, const OnEvent& on_event) const;
  Result<Event> ReadOne(Offset offset) const;
  /// The number of events with `before(create_time)`, which holds for a prefix of the log, plus
  /// first() - 1: the last offset of that prefix.
  Result<Offset> LastWhere(const std::function<bool(Millis)>& before) const;

  FileSystem& files_;
  const Clock& clock_;
  const std::string directory_;
  const SegmentLogOptions options_;
  std::unique_ptr<FileLock> lock_;
  std::string log_id_;
  SipKey hash_key_{};

  // Of the appending thread only.
  RemovedEvents removed_;
  std::map<Offset, std::unique_ptr<KeptKeys>> kept_;  // by first offset
  std::unique_ptr<Removal> removal_;
  std::vector<std::string> leftovers_;                  // files that are to go
  std::vector<std::pair<uint64_t, Offset>> forgotten_;  // that ids_ is to lose
  IdIndex ids_;
  Millis last_time_{0};
  bool rolling_ = false;  // the active segment is full and its successor not yet made
  std::string buffer_;

  /// Guards the segments (their indexes too), the clients and the consumers. The appending thread
  /// alone changes them.
  mutable std::shared_mutex mutex_;
  std::map<Offset, std::unique_ptr<Segment>> segments_;  // by first offset, never empty
  std::unique_ptr<ClientRegistry> clients_;
  ConsumerTable consumers_;
  std::atomic<Offset> head_{0};
};

}  // namespace aiflow
