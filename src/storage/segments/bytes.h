#pragma once

#include <bit>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace aiflow {

static_assert(std::endian::native == std::endian::little, "the files are little-endian");

/// Appends a fixed-width integer in the byte order of the files.
template <typename T>
requires std::is_integral_v<T>
void PutNumber(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

/// Reads a number at `position`; the caller has checked that it is there.
template <typename T>
requires std::is_integral_v<T> T GetNumber(std::string_view bytes, size_t position) {
  T value;
  std::memcpy(&value, bytes.data() + position, sizeof(T));
  return value;
}

}  // namespace aiflow
