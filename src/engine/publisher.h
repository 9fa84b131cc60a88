#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/durable_appender.h"
#include "model/rows.h"

namespace aiflow {

/// Brings committed announcements to the log and says which outbox rows are done with. An
/// announcement is acknowledged when the engine reads it from the log, so that no commit is made
/// for the acknowledgement alone; only one that the log had before is acknowledged by the log's
/// answer. Engine thread only.
class Publisher {
 public:
  /// `acknowledged` is called from any thread when TakeAcknowledged has something new.
  Publisher(DurableAppender& appender, std::function<void()> acknowledged);
  ~Publisher();

  /// Takes a committed kPublish row. A row that is on its way already is left alone.
  void Publish(const OutboxRow& row);
  /// An event was read from the log.
  void Seen(const Event& event);

  /// Rows whose events are durable, each until Erased or Retain says that its erasure is committed.
  [[nodiscard]] std::vector<OutboxId> Acknowledged();
  void Erased(const std::vector<OutboxId>& rows);
  /// After a rebuild: only rows that are still in the store matter.
  void Retain(const std::set<OutboxId>& rows);

 private:
  struct Answers;

  void Arrived(const std::string& event_id);

  DurableAppender& appender_;
  const std::shared_ptr<Answers> answers_;
  std::unordered_multimap<std::string, OutboxId> on_their_way_;  // by event id
  std::set<OutboxId> acknowledged_;
};

}  // namespace aiflow
