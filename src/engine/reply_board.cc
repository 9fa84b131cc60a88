#include "engine/reply_board.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace aiflow {

void ReplyBoard::Wait(Offset offset, Offset committed, Done done) {
  if (offset > committed) {
    waiting_.emplace(offset, std::move(done));
    return;
  }
  const auto found =
      std::lower_bound(recent_.begin(), recent_.end(), offset,
                       [](const ReplyRow& reply, Offset wanted) { return reply.offset < wanted; });
  if (found != recent_.end() && found->offset == offset) {
    done(*found);
  } else {
    done(ReplyRow{.offset = offset, .code = static_cast<int>(Code::kNotFound)});
  }
}

void ReplyBoard::Committed(Offset committed, std::span<const ReplyRow> replies) {
  for (const ReplyRow& reply : replies) {
    // After a rebuild an offset may be committed a second time; the order must hold.
    if (recent_.empty() || recent_.back().offset < reply.offset) recent_.push_back(reply);
  }
  while (recent_.size() > kRemembered) recent_.pop_front();

  std::vector<std::pair<Offset, Done>> ready;
  const auto end = waiting_.upper_bound(committed);
  for (auto it = waiting_.begin(); it != end; ++it) ready.emplace_back(it->first, it->second);
  waiting_.erase(waiting_.begin(), end);
  for (auto& [offset, done] : ready) Wait(offset, committed, std::move(done));
}

}  // namespace aiflow
