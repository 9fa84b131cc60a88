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

size_t IdIndex::size() const {
  size_t total = 0;
  for (const Shard& shard : shards_) total += shard.used;
  return total;
}

void IdIndex::Place(std::vector<Slot>& slots, Slot slot) {
  const size_t mask = slots.size() - 1;
  size_t at = slot.hash & mask;
  while (slots[at].offset != 0) at = (at + 1) & mask;
  slots[at] = slot;
}

}  // namespace aiflow
