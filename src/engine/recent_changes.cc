#include "engine/recent_changes.h"

#include <algorithm>

namespace aiflow {

void RecentChanges::Begin(Offset committed) {
  const std::lock_guard lock(mutex_);
  known_from_ = std::max(known_from_, committed);
}

void RecentChanges::Note(Offset committed, const std::vector<ExecutionId>& touched, bool all) {
  const std::lock_guard lock(mutex_);
  if (all) {
    changes_.clear();
    latest_.clear();
    forgotten_ = ++last_;
    // Whoever learns of this offset reads the state after it.
    known_from_ = committed;
    return;
  }
  for (const ExecutionId execution : touched) {
    changes_.push_back({++last_, committed, execution});
    latest_[execution] = last_;
  }
  while (changes_.size() > most_) {
    const Change& oldest = changes_.front();
    const auto latest = latest_.find(oldest.execution);
    // An older change of an execution that changed again is told by that one.
    if (latest->second == oldest.sequence) {
      latest_.erase(latest);
      forgotten_ = oldest.sequence;
      known_from_ = oldest.offset + 1;
    }
    changes_.pop_front();
  }
}

std::optional<std::vector<RecentChanges::Change>> RecentChanges::After(uint64_t sequence,
                                                                       size_t limit) const {
  const std::lock_guard lock(mutex_);
  if (sequence < forgotten_) return std::nullopt;
  std::vector<Change> found;
  auto it = std::upper_bound(changes_.begin(), changes_.end(), sequence,
                             [](uint64_t s, const Change& change) { return s < change.sequence; });
  for (; it != changes_.end() && found.size() < limit; ++it) {
    if (latest_.at(it->execution) == it->sequence) found.push_back(*it);
  }
  return found;
}

std::optional<uint64_t> RecentChanges::SequenceOf(Offset offset) const {
  const std::lock_guard lock(mutex_);
  // What changed at the offset itself is told again: a decision in parts changes more under it.
  if (offset < known_from_) return std::nullopt;
  const auto first =
      std::lower_bound(changes_.begin(), changes_.end(), offset,
                       [](const Change& change, Offset o) { return change.offset < o; });
  return first == changes_.end() ? last_ : first->sequence - 1;
}

uint64_t RecentChanges::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

}  // namespace aiflow
