#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Text as a terminal shows it. Pure functions.
namespace aiflow::cli {

/// Columns that `text` (UTF-8, one line) takes on a terminal: wide characters take two, combining
/// ones and the bytes of broken UTF-8 sequences none and one.
size_t DisplayWidth(std::string_view text);

/// `text` cut to at most `width` columns; a cut ends with "…".
std::string Truncate(std::string_view text, size_t width);

/// `text` with blanks up to `width` columns.
std::string PadRight(std::string_view text, size_t width);

/// `text` broken at blanks into lines of at most `width` columns, longer words anywhere; line
/// breaks in the text are kept. At least one line, which may be empty.
std::vector<std::string> Wrap(std::string_view text, size_t width);

/// `text` with what a terminal would obey instead of show (escape sequences, other controls)
/// written as \xNN; line breaks and tabs stay when `keep_lines`, else they become \n and \t.
std::string Printable(std::string_view text, bool keep_lines);

/// "0.4s", "12.3s", "4m05s", "3h07m", "2d04h".
std::string FormatElapsed(int64_t milliseconds);

/// Local time as "2026-01-31T08:15:00.123", from epoch milliseconds.
std::string FormatTime(int64_t epoch_milliseconds);

}  // namespace aiflow::cli
