#include "engine/publisher.h"

#include <mutex>
#include <utility>

#include "base/check.h"

namespace aiflow {

/// What the log's thread leaves for the engine's.
struct Publisher::Answers {
  std::mutex mutex;
  std::vector<std::string> present;  // ids of events that the log had before; guarded by mutex
  std::function<void()> notify;
};

Publisher::Publisher(DurableAppender& appender, std::function<void()> acknowledged)
    : appender_(appender), answers_(std::make_shared<Answers>()) {
  answers_->notify = std::move(acknowledged);
}

Publisher::~Publisher() = default;

void Publisher::Publish(const OutboxRow& row) {
  CHECK(row.kind == OutboxKind::kPublish);
  if (acknowledged_.contains(row.id)) return;
  const auto [begin, end] = on_their_way_.equal_range(row.publish.id);
  for (auto it = begin; it != end; ++it) {
    if (it->second == row.id) return;
  }
  on_their_way_.emplace(row.publish.id, row.id);
  appender_.Append(row.publish, [answers = answers_, id = row.publish.id](bool duplicate) {
    if (!duplicate) return;  // it will be read
    {
      const std::lock_guard lock(answers->mutex);
      answers->present.push_back(id);
    }
    answers->notify();
  });
}

void Publisher::Seen(const Event& event) {
  if (!on_their_way_.empty() && !event.id.empty()) Arrived(event.id);
}

void Publisher::Arrived(const std::string& event_id) {
  const auto [begin, end] = on_their_way_.equal_range(event_id);
  for (auto it = begin; it != end; ++it) acknowledged_.insert(it->second);
  on_their_way_.erase(begin, end);
}

std::vector<OutboxId> Publisher::Acknowledged() {
  std::vector<std::string> present;
  {
    const std::lock_guard lock(answers_->mutex);
    present.swap(answers_->present);
  }
  for (const std::string& id : present) Arrived(id);
  return {acknowledged_.begin(), acknowledged_.end()};
}

void Publisher::Erased(const std::vector<OutboxId>& rows) {
  for (const OutboxId row : rows) acknowledged_.erase(row);
}

void Publisher::Retain(const std::set<OutboxId>& rows) {
  std::erase_if(acknowledged_, [&](OutboxId row) { return !rows.contains(row); });
  std::erase_if(on_their_way_, [&](const auto& entry) { return !rows.contains(entry.second); });
}

}  // namespace aiflow
