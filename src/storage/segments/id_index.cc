#include "storage/segments/id_index.h"

#include <algorithm>
#include <utility>

namespace aiflow {

void IdIndex::Insert(uint64_t hash, Offset offset) {
  Shard& shard = shards_[ShardOf(hash)];
  if ((shard.used + 1) * 10 > shard.slots.size() * 7) {
    std::vector<Slot> grown(std::max<size_t>(16, shard.slots.size() * 2));
    for (const Slot& slot : shard.slots) {
      if (slot.offset != 0) Place(grown, slot);
    }
    shard.slots = std::move(grown);
  }
  Place(shard.slots, {hash, offset});
  ++shard.used;
}

void IdIndex::Erase(uint64_t hash, Offset offset) {
  Shard& shard = shards_[ShardOf(hash)];
  std::vector<Slot>& slots = shard.slots;
  if (slots.empty()) return;
  const size_t mask = slots.size() - 1;
  size_t hole = hash & mask;
  while (slots[hole].offset != 0 && (slots[hole].hash != hash || slots[hole].offset != offset)) {
    hole = (hole + 1) & mask;
  }
  if (slots[hole].offset == 0) return;
  // What was pushed past the hole moves back, so that no search ends at it too early.
  for (size_t at = (hole + 1) & mask; slots[at].offset != 0; at = (at + 1) & mask) {
    const size_t from_home = (at - slots[at].hash) & mask;
    const size_t from_hole = (at - hole) & mask;
    if (from_home < from_hole) continue;
    slots[hole] = slots[at];
    hole = at;
  }
  slots[hole] = Slot();
  --shard.used;
}

size_t IdIndex::size() const {
  size_t total = 0;
  for (const Shard& shard : shards_) total += shard.used;
  return total;
}

size_t IdIndex::slots() const {
  size_t total = 0;
  for (const Shard& shard : shards_) total += shard.slots.size();
  return total;
}

void IdIndex::Place(std::vector<Slot>& slots, Slot slot) {
  const size_t mask = slots.size() - 1;
  size_t at = slot.hash & mask;
  while (slots[at].offset != 0) at = (at + 1) & mask;
  slots[at] = slot;
}

}  // namespace aiflow
