#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "model/rows.h"
#include "scheduler/treatment.h"

namespace aiflow {

/// Finds the event at which the server dies again and again (rule 22). A recovery that finds events
/// in the log notes durably that it begins with the first of them; when the next one finds the note
/// of the same position, that one died before it got any further. While it is not sure which of
/// several events it was, each is decided and committed alone. In the long run it costs nothing.
/// Engine thread only.
class CrashGuard {
 public:
  /// After a recovery, at a position (see RecoveryRow). `last` is the note as stored; `pending`:
  /// the log holds more; `batch`: so many events one commit may decide.
  void Begin(const RecoveryRow& last, const RecoveryRow& here, bool pending, size_t batch);

  /// To be committed before the next event is decided.
  [[nodiscard]] std::optional<RecoveryRow> Note() const;
  void Noted();

  /// How many events may be decided in one commit.
  [[nodiscard]] size_t MaxEvents(size_t usual) const { return alone_ != 0 ? 1 : usual; }
  /// Of the next event.
  [[nodiscard]] Treatment treatment() const;
  /// To be committed with a decision that leads to `to`, behind which more is waiting: the next
  /// event is begun with.
  [[nodiscard]] std::optional<RecoveryRow> NoteWith(const RecoveryRow& to) const;
  /// So many servers have died at the position, as far as it is known.
  [[nodiscard]] int64_t deaths() const { return crashes_; }
  /// The position has moved; `noted`: with such a note.
  void Moved(const RecoveryRow& here, bool noted);
  /// To be committed by a server that ends by itself: it has not died here.
  [[nodiscard]] std::optional<RecoveryRow> Withdrawal() const;

 private:
  RecoveryRow here_;
  int64_t crashes_ = 0;  // at the position, before this server
  size_t alone_ = 0;     // so many more events are decided alone
  bool must_note_ = false;
  bool noted_ = false;  // that this server has begun here
};

}  // namespace aiflow
