#pragma once

#include <string>
#include <string_view>

namespace aiflow::api {

/// Well-formed UTF-8 as Unicode defines it: no overlong forms, surrogates or numbers beyond
/// U+10FFFF.
bool IsUtf8(std::string_view text);

/// The same text with U+FFFD for each byte that belongs to no well-formed character.
std::string ReplaceBadText(std::string_view text);

/// Calls `take` with each line, without its end; a lone CR ends a line as well, as readers of
/// server-sent events see it. Empty text is one empty line.
template <typename Take>
void ForEachLine(std::string_view text, Take take) {
  for (;;) {
    const size_t end = text.find_first_of("\r\n");
    take(text.substr(0, end));
    if (end == std::string_view::npos) return;
    const bool both = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n';
    text.remove_prefix(end + (both ? 2 : 1));
  }
}

}  // namespace aiflow::api
