#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace aiflow {

/// RFC 4648, with padding.
std::string Base64Encode(std::string_view bytes);
/// Nothing when the text is anything but that.
std::optional<std::string> Base64Decode(std::string_view text);

}  // namespace aiflow
