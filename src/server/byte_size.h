#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace aiflow::server {

/// "64m" is 67108864: a whole number and k, m or g, each 1024 of the one before, or nothing for
/// bytes. Nothing for any other text, and for what is above 2^62.
std::optional<uint64_t> ParseByteSize(std::string_view text);

/// For people: "64 MiB", "1.5 GiB", "12 bytes".
std::string ByteSizeText(uint64_t bytes);

}  // namespace aiflow::server
