#pragma once

#include <cstddef>
#include <cstdint>

/// Every limit of the model, with its name. What is over a limit is refused with that name.
namespace aiflow::limits {

inline constexpr size_t kMaxNameBytes = 200;
inline constexpr size_t kMaxEventKeyBytes = 1024;
inline constexpr size_t kMaxEventValueBytes = 1 << 20;
inline constexpr size_t kMaxEventContextBytes = 1 << 20;
inline constexpr size_t kMaxEventUuidBytes = 256;
inline constexpr size_t kMaxTasksPerWorkflow = 20'000;
inline constexpr size_t kMaxRulesPerTask = 1'000;
inline constexpr size_t kMaxConditionDepth = 32;
inline constexpr size_t kMaxSpecBytes = 16 << 20;
inline constexpr size_t kMaxBundleBytes = size_t{256} << 20;
inline constexpr int64_t kMaxPendingStarts = 100'000;

}  // namespace aiflow::limits
