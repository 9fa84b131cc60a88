#pragma once

#include <cstddef>
#include <string_view>

namespace aiflow {

/// Whether arrays and objects lie in each other deeper than `most`: looked at before a text from
/// outside is parsed, as writing and comparing what was parsed recurses. Says nothing of use about
/// a text that is no JSON.
bool IsDeeperJson(std::string_view text, size_t most);

}  // namespace aiflow
