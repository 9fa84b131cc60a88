#include "server/byte_size.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace aiflow::server {

std::optional<uint64_t> ParseByteSize(std::string_view text) {
  uint64_t number = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || last - end > 1) return std::nullopt;
  int shift = 0;
  if (end != last) {
    switch (*end) {
      case 'k': shift = 10; break;
      case 'm': shift = 20; break;
      case 'g': shift = 30; break;
      default: return std::nullopt;
    }
  }
  constexpr uint64_t kMost = uint64_t{1} << 62;
  if (number > (kMost >> shift)) return std::nullopt;
  return number << shift;
}

std::string ByteSizeText(uint64_t bytes) {
  constexpr std::array<const char*, 4> kUnits = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return std::to_string(bytes) + " bytes";
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  // One digit behind the point where it tells something.
  const bool whole = value >= 100 || value == static_cast<double>(static_cast<uint64_t>(value));
  std::snprintf(text, sizeof(text), whole ? "%.0f %s" : "%.1f %s", value, kUnits.at(unit));
  return text;
}

}  // namespace aiflow::server
