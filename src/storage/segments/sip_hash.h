#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace aiflow {

using SipKey = std::array<uint64_t, 2>;

/// SipHash-2-4 (Aumasson, Bernstein): keyed, so that nobody who does not know the key can choose
/// texts that collide.
uint64_t SipHash(const SipKey& key, std::string_view text);

}  // namespace aiflow
