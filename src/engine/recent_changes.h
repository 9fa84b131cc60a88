#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "model/ids.h"

namespace aiflow {

/// Which executions changed last, in order, for readers who come back and ask what they missed.
/// Remembers a bounded number of changes, of each execution the latest. Thread-safe.
class RecentChanges {
 public:
  static constexpr size_t kMost = 10'000;
  explicit RecentChanges(size_t most = kMost) : most_(most) {}

  /// Everything up to `committed` was decided before anybody could ask.
  void Begin(Offset committed);
  /// These changed by the commit that came to `committed`; a part of a decision has the offset that
  /// was committed before it. `all`: it may have been any, so that nothing is known any more.
  void Note(Offset committed, const std::vector<ExecutionId>& touched, bool all);

  struct Change {
    uint64_t sequence = 0;
    Offset offset = 0;
    ExecutionId execution;
  };
  /// At most `limit` changes behind `sequence`, ascending; of an execution only its latest. Nothing
  /// when some of them are forgotten.
  [[nodiscard]] std::optional<std::vector<Change>> After(uint64_t sequence, size_t limit) const;
  /// Where to read on to see what changed at or behind `offset`. Nothing when some of it is
  /// forgotten.
  [[nodiscard]] std::optional<uint64_t> SequenceOf(Offset offset) const;
  /// Where to read on to see what changes from now on.
  [[nodiscard]] uint64_t last() const;

 private:
  struct ById {
    size_t operator()(ExecutionId id) const { return std::hash<int64_t>()(id.value()); }
  };

  const size_t most_;
  mutable std::mutex mutex_;
  std::deque<Change> changes_;
  std::unordered_map<ExecutionId, uint64_t, ById> latest_;
  uint64_t last_ = 0;
  uint64_t forgotten_ = 0;  // the last sequence that is not here any more
  Offset known_from_ = 0;   // what changed at or behind it is here, or was before anybody asked
};

}  // namespace aiflow
