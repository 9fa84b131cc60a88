#include "engine/crash_guard.h"

#include "model/limits.h"

namespace aiflow {

void CrashGuard::Begin(const RecoveryRow& last, const RecoveryRow& here, bool pending,
                       size_t batch) {
  here_ = here;
  const bool same = last.offset == here.offset && last.part == here.part;
  crashes_ = same ? last.crashes : 0;
  // The one before has noted where it began, and it has not got much further.
  const Offset moved = here.offset - last.offset;
  const bool died_near = last.crashes > 0 && moved >= 0 && static_cast<size_t>(moved) <= batch;
  alone_ = died_near ? batch : 0;
  must_note_ = pending;
  noted_ = false;
}

std::optional<RecoveryRow> CrashGuard::Note() const {
  if (!must_note_) return std::nullopt;
  RecoveryRow note = here_;
  note.crashes = crashes_ + 1;
  return note;
}

Treatment CrashGuard::treatment() const {
  if (crashes_ >= 2 * limits::kMaxCrashes) return Treatment::kSetAside;
  return crashes_ >= limits::kMaxCrashes ? Treatment::kQuarantine : Treatment::kDecide;
}

std::optional<RecoveryRow> CrashGuard::NoteWith(const RecoveryRow& to) const {
  if (alone_ == 0) return std::nullopt;
  RecoveryRow note = to;
  note.crashes = 1;
  return note;
}

void CrashGuard::Noted() {
  must_note_ = false;
  noted_ = true;
}

std::optional<RecoveryRow> CrashGuard::Withdrawal() const {
  if (!noted_) return std::nullopt;
  RecoveryRow note = here_;
  note.crashes = crashes_;
  return note;
}

void CrashGuard::Moved(const RecoveryRow& here, bool noted) {
  here_ = here;
  crashes_ = 0;
  must_note_ = false;
  noted_ = noted;
  if (alone_ != 0) --alone_;
}

}  // namespace aiflow
