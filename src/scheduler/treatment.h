#pragma once

#include <cstdint>

namespace aiflow {

/// How an event is decided.
enum class Treatment : uint8_t {
  kDecide = 0,
  /// It has taken the server down again and again: kept from whoever would receive it.
  kQuarantine = 1,
  /// So has finding its receivers: kept from everybody.
  kSetAside = 2,
};

}  // namespace aiflow
