#include "cli/text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace aiflow::cli {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// East Asian wide and fullwidth blocks and the emoji planes.
constexpr std::array<Range, 11> kWide = {{{0x1100, 0x115F},
                                          {0x2E80, 0x303E},
                                          {0x3041, 0x33FF},
                                          {0x3400, 0x4DBF},
                                          {0x4E00, 0x9FFF},
                                          {0xA000, 0xA4CF},
                                          {0xAC00, 0xD7A3},
                                          {0xF900, 0xFAFF},
                                          {0xFE30, 0xFE6F},
                                          {0xFF00, 0xFF60},
                                          {0x1F300, 0x1FAFF}}};
constexpr std::array<Range, 5> kZero = {
    {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}}};

template <size_t N>
bool Contains(const std::array<Range, N>& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const Range& range) { return c >= range.first && c <= range.last; });
}

struct Character {
  size_t bytes;
  size_t columns;
};

// The character at the begin of `text`, which is not empty.
Character First(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  size_t bytes = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  if (bytes > text.size()) return {1, 1};
  char32_t c = bytes == 1 ? lead : lead & (0xFF >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0) != 0x80) return {1, 1};
    c = (c << 6) | (next & 0x3F);
  }
  if (Contains(kZero, c)) return {bytes, 0};
  return {bytes, Contains(kWide, c) ? size_t{2} : size_t{1}};
}

std::string_view TrimRight(std::string_view text) {
  const size_t last = text.find_last_not_of(' ');
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

// Splits a word that is wider than a line.
std::vector<std::string_view> Chop(std::string_view word, size_t width) {
  std::vector<std::string_view> pieces;
  size_t begin = 0;
  size_t columns = 0;
  for (size_t at = 0; at < word.size();) {
    const Character c = First(word.substr(at));
    if (columns + c.columns > width && at > begin) {
      pieces.push_back(word.substr(begin, at - begin));
      begin = at;
      columns = 0;
    }
    columns += c.columns;
    at += c.bytes;
  }
  pieces.push_back(word.substr(begin));
  return pieces;
}

void WrapLine(std::string_view line, size_t width, std::vector<std::string>* out) {
  std::string current;
  const auto flush = [&] {
    out->emplace_back(TrimRight(current));
    current.clear();
  };
  for (size_t at = 0; at < line.size();) {
    // A word and the blanks after it.
    size_t end = line.find(' ', at);
    end = end == std::string_view::npos ? line.size() : line.find_first_not_of(' ', end);
    if (end == std::string_view::npos) end = line.size();
    const std::string_view word = line.substr(at, end - at);
    at = end;
    const size_t columns = DisplayWidth(TrimRight(word));
    if (DisplayWidth(current) + columns <= width) {
      current += word;
      continue;
    }
    if (!current.empty()) flush();
    if (columns <= width) {
      current = word;
      continue;
    }
    const std::vector<std::string_view> pieces = Chop(TrimRight(word), width);
    for (size_t i = 0; i + 1 < pieces.size(); ++i) out->emplace_back(pieces[i]);
    current = pieces.back();
    current += ' ';
  }
  flush();
}

}  // namespace

size_t DisplayWidth(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    const Character c = First(text);
    columns += c.columns;
    text.remove_prefix(c.bytes);
  }
  return columns;
}

std::string Truncate(std::string_view text, size_t width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width == 0) return {};
  size_t columns = 0;
  size_t at = 0;
  while (at < text.size()) {
    const Character c = First(text.substr(at));
    if (columns + c.columns > width - 1) break;
    columns += c.columns;
    at += c.bytes;
  }
  return std::string(text.substr(0, at)) + "…";
}

std::string PadRight(std::string_view text, size_t width) {
  std::string padded(text);
  const size_t columns = DisplayWidth(text);
  if (columns < width) padded.append(width - columns, ' ');
  return padded;
}

std::vector<std::string> Wrap(std::string_view text, size_t width) {
  std::vector<std::string> lines;
  width = std::max<size_t>(width, 1);
  for (;;) {
    const size_t end = text.find('\n');
    WrapLine(text.substr(0, end), width, &lines);
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

std::string Printable(std::string_view text, bool keep_lines) {
  std::string shown;
  shown.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n' || c == '\t') {
      if (keep_lines) {
        shown += c;
      } else {
        shown += c == '\n' ? "\\n" : "\\t";
      }
    } else if (byte < 0x20 || byte == 0x7F) {
      std::array<char, 5> code{};
      std::snprintf(code.data(), code.size(), "\\x%02x", byte);
      shown += code.data();
    } else {
      shown += c;
    }
  }
  return shown;
}

std::string FormatElapsed(int64_t milliseconds) {
  milliseconds = std::max<int64_t>(milliseconds, 0);
  const int64_t seconds = milliseconds / 1000;
  std::array<char, 48> text{};
  const auto print = [&](const char* format, int64_t large, int64_t small) {
    std::snprintf(text.data(), text.size(), format, static_cast<long long>(large),
                  static_cast<long long>(small));
  };
  if (seconds < 60) {
    print("%lld.%llds", seconds, milliseconds % 1000 / 100);
  } else if (seconds < 3600) {
    print("%lldm%02llds", seconds / 60, seconds % 60);
  } else if (seconds < 86400) {
    print("%lldh%02lldm", seconds / 3600, seconds % 3600 / 60);
  } else {
    print("%lldd%02lldh", seconds / 86400, seconds % 86400 / 3600);
  }
  return text.data();
}

std::string FormatTime(int64_t epoch_milliseconds) {
  const std::time_t seconds = epoch_milliseconds / 1000;
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 32> date{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &local);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%s.%03d", date.data(),
                static_cast<int>(epoch_milliseconds % 1000));
  return text.data();
}

}  // namespace aiflow::cli
