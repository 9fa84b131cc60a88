#include "scheduler/evaluation_fifo.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "model/limits.h"

namespace aiflow {
namespace {

/// Of the row and its places in the indexes.
constexpr size_t kOverheadBytes = 512;

bool IsAskedAgain(const EvaluationRow& row) { return row.event.offset != row.offset; }

}  // namespace

int64_t OwnerOf(const EvaluationRow& row) {
  return row.execution_id.valid() ? row.task : row.trigger_id.value();
}

EvaluationKey KeyOf(const EvaluationRow& row) { return {row.offset, row.ordinal, OwnerOf(row)}; }

size_t SizeOf(const EvaluationRow& row) {
  return kOverheadBytes + row.event.key.size() + row.event.value.size() + row.event.context.size() +
         row.statuses.size() * sizeof(TaskSnapshot);
}

void EvaluationFifo::Put(const EvaluationRow& row) {
  const EvaluationKey key = KeyOf(row);
  Erase(key);
  bytes_ += SizeOf(row);
  by_owner_[OwnerOf(row)].insert(key);
  if (IsAskedAgain(row)) again_[row.event.offset].insert(key);
  rows_.emplace(key, row);
}

void EvaluationFifo::Erase(const EvaluationKey& key) {
  const auto row = rows_.find(key);
  if (row == rows_.end()) return;
  bytes_ -= SizeOf(row->second);
  const auto owner = by_owner_.find(OwnerOf(row->second));
  owner->second.erase(key);
  if (owner->second.empty()) by_owner_.erase(owner);
  if (const auto again = again_.find(row->second.event.offset); again != again_.end()) {
    again->second.erase(key);
    if (again->second.empty()) again_.erase(again);
  }
  rows_.erase(row);
}

void EvaluationFifo::EraseOwner(int64_t owner) {
  const auto found = by_owner_.find(owner);
  if (found == by_owner_.end()) return;
  const std::set<EvaluationKey> keys = found->second;
  for (const EvaluationKey& key : keys) Erase(key);
}

EvaluationDraft::EvaluationDraft(const EvaluationFifo* base)
    : base_(base),
      size_(base == nullptr ? 0 : static_cast<int64_t>(base->rows().size())),
      bytes_(base == nullptr ? 0 : static_cast<int64_t>(base->bytes())) {}

EvaluationDraft::Rows::const_iterator EvaluationDraft::Untouched(Rows::const_iterator at) const {
  while (at != base_->rows().end() && changed_.contains(at->first)) ++at;
  return at;
}

const EvaluationRow* EvaluationDraft::FirstInState() const {
  return base_ == nullptr || base_->rows().empty() ? nullptr : &base_->rows().begin()->second;
}

const EvaluationRow* EvaluationDraft::First() const {
  const EvaluationRow* first = nullptr;
  for (const auto& [key, row] : changed_) {
    if (!row.has_value()) continue;
    first = &*row;
    break;
  }
  if (base_ == nullptr) return first;
  const auto stored = Untouched(base_->rows().begin());
  if (stored == base_->rows().end()) return first;
  return first == nullptr || stored->first < KeyOf(*first) ? &stored->second : first;
}

const EvaluationRow* EvaluationDraft::Find(const EvaluationKey& key) const {
  if (const auto found = changed_.find(key); found != changed_.end()) {
    return found->second.has_value() ? &*found->second : nullptr;
  }
  if (base_ == nullptr) return nullptr;
  const auto stored = base_->rows().find(key);
  return stored == base_->rows().end() ? nullptr : &stored->second;
}

const EvaluationRow* EvaluationDraft::NextOf(int64_t owner, const EvaluationKey& after) const {
  const EvaluationRow* next = nullptr;
  for (auto at = changed_.upper_bound(after); at != changed_.end(); ++at) {
    if (!at->second.has_value() || OwnerOf(*at->second) != owner) continue;
    next = &*at->second;
    break;
  }
  if (base_ == nullptr) return next;
  const auto keys = base_->by_owner().find(owner);
  if (keys == base_->by_owner().end()) return next;
  auto key = keys->second.upper_bound(after);
  while (key != keys->second.end() && changed_.contains(*key)) ++key;
  if (key == keys->second.end()) return next;
  return next == nullptr || *key < KeyOf(*next) ? &base_->rows().at(*key) : next;
}

std::vector<EvaluationKey> EvaluationDraft::KeysOfEvent(Offset offset) const {
  std::vector<EvaluationKey> keys;
  for (const auto& [key, row] : changed_) {
    if (row.has_value() && IsAskedAgain(*row) && row->event.offset == offset) keys.push_back(key);
  }
  if (base_ != nullptr) {
    const auto again = base_->again().find(offset);
    if (again != base_->again().end()) {
      std::ranges::copy_if(again->second, std::back_inserter(keys),
                           [this](const EvaluationKey& key) { return !changed_.contains(key); });
    }
  }
  const EvaluationKey from{offset, 0, 0};
  const auto is_at = [offset](const EvaluationKey& key) { return std::get<0>(key) == offset; };
  for (auto at = changed_.lower_bound(from); at != changed_.end() && is_at(at->first); ++at) {
    if (at->second.has_value()) keys.push_back(at->first);
  }
  if (base_ == nullptr) return keys;
  auto at = Untouched(base_->rows().lower_bound(from));
  for (; at != base_->rows().end() && is_at(at->first); at = Untouched(std::next(at))) {
    keys.push_back(at->first);
  }
  return keys;
}

bool EvaluationDraft::HasRoomFor(const EvaluationRow& row) const {
  return size_ < static_cast<int64_t>(limits::kMaxPendingEvaluations) &&
         bytes_ + static_cast<int64_t>(SizeOf(row)) <=
             static_cast<int64_t>(limits::kMaxPendingEvaluationBytes);
}

void EvaluationDraft::Count(const EvaluationRow& row, int sign) {
  size_ += sign;
  bytes_ += sign * static_cast<int64_t>(SizeOf(row));
}

void EvaluationDraft::Put(EvaluationRow row) {
  const EvaluationKey key = KeyOf(row);
  if (const EvaluationRow* before = Find(key)) Count(*before, -1);
  Count(row, +1);
  changed_.insert_or_assign(key, std::move(row));
}

void EvaluationDraft::Erase(const EvaluationKey& key) {
  const EvaluationRow* before = Find(key);
  if (before == nullptr) return;
  Count(*before, -1);
  changed_.insert_or_assign(key, std::nullopt);
}

void EvaluationDraft::Clear() {
  if (base_ != nullptr) {
    for (const auto& [key, row] : base_->rows()) changed_.insert_or_assign(key, std::nullopt);
  }
  for (auto& [key, row] : changed_) row.reset();
  size_ = 0;
  bytes_ = 0;
}

void EvaluationDraft::DropOwner(int64_t owner) {
  dropped_.insert(owner);
  for (const EvaluationRow* row = NextOf(owner, {}); row != nullptr;) {
    const EvaluationKey key = KeyOf(*row);
    Erase(key);
    row = NextOf(owner, key);
  }
}

void EvaluationDraft::AppendChanges(std::vector<Change>& changes) const {
  for (const auto& [key, row] : changed_) {
    if (row.has_value()) {
      changes.emplace_back(*row);
      continue;
    }
    if (base_ == nullptr || !base_->rows().contains(key)) continue;
    const EvaluationRow& erased = base_->rows().at(key);
    if (dropped_.contains(OwnerOf(erased))) continue;
    changes.emplace_back(EraseEvaluation{erased.execution_id, erased.trigger_id, erased.offset,
                                         erased.ordinal, erased.task});
  }
}

}  // namespace aiflow
