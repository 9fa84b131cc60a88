#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/ids.h"

namespace aiflow {

/// Where events with an id are, by the 64-bit hash of the id. Several offsets may share a hash: the
/// caller compares the stored ids. 16 bytes per slot, at most 70% full; split in shards, so that
/// growing moves a small part at a time. One thread.
class IdIndex {
 public:
  void Insert(uint64_t hash, Offset offset);
  /// Takes out what Insert put in; nothing when it is not there. The space is used again.
  void Erase(uint64_t hash, Offset offset);

  /// Calls `visit(offset)` for each offset with this hash until it returns true.
  template <typename Visit>
  void Find(uint64_t hash, Visit visit) const {
    const Shard& shard = shards_[ShardOf(hash)];
    if (shard.slots.empty()) return;
    const size_t mask = shard.slots.size() - 1;
    for (size_t at = hash & mask; shard.slots[at].offset != 0; at = (at + 1) & mask) {
      if (shard.slots[at].hash == hash && visit(shard.slots[at].offset)) return;
    }
  }

  size_t size() const;
  /// Those taken and those free.
  size_t slots() const;

 private:
  struct Slot {
    uint64_t hash = 0;
    Offset offset = 0;  // 0 = free
  };
  struct Shard {
    std::vector<Slot> slots;  // a power of two
    size_t used = 0;
  };
  static constexpr size_t kShards = 64;
  static size_t ShardOf(uint64_t hash) { return hash >> 58; }
  static void Place(std::vector<Slot>& slots, Slot slot);

  std::array<Shard, kShards> shards_;
};

}  // namespace aiflow
