#pragma once

#include <deque>
#include <functional>
#include <map>
#include <span>

#include "base/status.h"
#include "model/rows.h"

namespace aiflow {

/// Who waits for the commit of which event. Also remembers the latest replies, because a caller
/// often learns the offset of its request only after the engine has committed it. Engine thread
/// only.
class ReplyBoard {
 public:
  using Done = std::function<void(const ReplyRow&)>;

  /// Calls `done` once `offset` is committed, at once when it is: with its reply, or kNotFound in
  /// code when the event was no request or its reply is no longer remembered here.
  void Wait(Offset offset, Offset committed, Done done);

  /// The events up to `committed` are committed, `replies` (ascending) among them.
  void Committed(Offset committed, std::span<const ReplyRow> replies);

  [[nodiscard]] size_t waiting() const { return waiting_.size(); }

 private:
  static constexpr size_t kRemembered = 1024;

  std::multimap<Offset, Done> waiting_;
  std::deque<ReplyRow> recent_;  // ascending by offset
};

}  // namespace aiflow
