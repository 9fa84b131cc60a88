#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "model/rows.h"

namespace aiflow {

/// Event offset, ordinal, task (or trigger id): the order within one scope.
using EvaluationKey = std::tuple<Offset, int32_t, int64_t>;

/// The task, or the id of the trigger, that is to look at the event.
int64_t OwnerOf(const EvaluationRow& row);
EvaluationKey KeyOf(const EvaluationRow& row);
/// About what it takes in memory.
size_t SizeOf(const EvaluationRow& row);

/// The entries of one state scope in their order, with what is derived from them. Engine thread
/// only.
class EvaluationFifo {
 public:
  void Put(const EvaluationRow& row);
  void Erase(const EvaluationKey& key);
  void EraseOwner(int64_t owner);

  [[nodiscard]] const std::map<EvaluationKey, EvaluationRow>& rows() const { return rows_; }
  [[nodiscard]] const std::map<int64_t, std::set<EvaluationKey>>& by_owner() const {
    return by_owner_;
  }
  /// Entries of dead letters that are asked again: by the offset of their event, which is not that
  /// of their key.
  [[nodiscard]] const std::map<Offset, std::set<EvaluationKey>>& again() const { return again_; }
  [[nodiscard]] size_t bytes() const { return bytes_; }

  friend bool operator==(const EvaluationFifo&, const EvaluationFifo&) = default;

 private:
  std::map<EvaluationKey, EvaluationRow> rows_;
  std::map<int64_t, std::set<EvaluationKey>> by_owner_;  // no empty entry
  std::map<Offset, std::set<EvaluationKey>> again_;      // no empty entry
  size_t bytes_ = 0;
};

/// A scope's entries while an event is decided: reads fall through to the state. Pointers that it
/// gives are valid until its next change.
class EvaluationDraft {
 public:
  /// `base` may be null: a scope that nothing waits in.
  explicit EvaluationDraft(const EvaluationFifo* base);

  /// Null when there is none; of the state: before this event.
  [[nodiscard]] const EvaluationRow* First() const;
  [[nodiscard]] const EvaluationRow* FirstInState() const;
  [[nodiscard]] const EvaluationRow* Find(const EvaluationKey& key) const;
  /// The first entry of `owner` that is behind `after`.
  [[nodiscard]] const EvaluationRow* NextOf(int64_t owner, const EvaluationKey& after) const;
  [[nodiscard]] bool Holds(int64_t owner) const { return NextOf(owner, {}) != nullptr; }
  /// Entries about the event at `offset`, also those that are asked about it again.
  [[nodiscard]] std::vector<EvaluationKey> KeysOfEvent(Offset offset) const;
  [[nodiscard]] bool HasRoomFor(const EvaluationRow& row) const;
  [[nodiscard]] bool changed() const { return !changed_.empty(); }

  void Put(EvaluationRow row);
  void Erase(const EvaluationKey& key);
  void Clear();
  /// Its entries go with the owner: no changes of their own.
  void DropOwner(int64_t owner);

  void AppendChanges(std::vector<Change>& changes) const;

 private:
  using Rows = std::map<EvaluationKey, EvaluationRow>;

  /// The next one from `at` on that this event has not touched.
  Rows::const_iterator Untouched(Rows::const_iterator at) const;
  void Count(const EvaluationRow& row, int sign);

  const EvaluationFifo* base_;
  std::map<EvaluationKey, std::optional<EvaluationRow>> changed_;  // nothing: erased
  std::set<int64_t> dropped_;
  int64_t size_ = 0;
  int64_t bytes_ = 0;
};

}  // namespace aiflow
