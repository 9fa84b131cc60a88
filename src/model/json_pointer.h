#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace aiflow {

/// RFC 6901: empty (the whole document), or tokens that each begin with `/`, in which `~` is
/// followed by 0 or 1.
bool IsJsonPointer(std::string_view text);

/// What `pointer` leads to within `document`; null when that is nothing, or `document` is a
/// discarded one. REQUIRES: IsJsonPointer(pointer).
const nlohmann::json* AtPointer(const nlohmann::json& document, std::string_view pointer);

}  // namespace aiflow
