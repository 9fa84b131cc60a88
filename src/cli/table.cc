#include "cli/table.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "cli/text.h"

namespace aiflow::cli {
namespace {

std::string ShownValue(const std::optional<std::string>& value, bool keep_lines) {
  return value ? Printable(*value, keep_lines) : "None";
}

std::string JsonString(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string RenderJson(const Table& table) {
  std::string json = "[";
  for (const Table::Row& row : table.rows) {
    if (json.size() > 1) json += ", ";
    json += '{';
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) json += ", ";
      json += JsonString(table.columns[i].name) + ": " + (row[i] ? JsonString(*row[i]) : "null");
    }
    json += '}';
  }
  return json + "]\n";
}

// Whether a YAML reader takes the bare text for this very string: nothing that could be a number, a
// date, a boolean, null or markup.
bool IsPlainYaml(const std::string& text) {
  static constexpr std::array<std::string_view, 12> kWords = {
      "true", "false", "yes", "no", "on", "off", "null", "y", "n", "none", "nan", "inf"};
  if (text.empty() || std::isalpha(static_cast<unsigned char>(text[0])) == 0) return false;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '-' && c != '.' &&
        c != '/') {
      return false;
    }
  }
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(kWords.begin(), kWords.end(), lower) == kWords.end();
}

std::string YamlString(const std::string& text) {
  if (IsPlainYaml(text)) return text;
  const bool controls = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F;
  });
  if (controls) return JsonString(text);  // a JSON string is a YAML string
  std::string quoted = "'";
  for (const char c : text) {
    quoted += c;
    if (c == '\'') quoted += c;
  }
  return quoted + "'";
}

std::string RenderYaml(const Table& table) {
  if (table.rows.empty()) return "[]\n";
  std::vector<size_t> order(table.columns.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return table.columns[a].name < table.columns[b].name; });
  std::string yaml;
  for (const Table::Row& row : table.rows) {
    const char* lead = "- ";
    for (const size_t i : order) {
      yaml += lead + table.columns[i].name + ": " + (row[i] ? YamlString(*row[i]) : "null") + "\n";
      lead = "  ";
    }
  }
  return yaml;
}

// Takes `total` from the values with a ratio, each at most its maximum, as evenly as whole numbers
// allow.
void ReduceEvenly(size_t total, const std::vector<bool>& takes, size_t maximum,
                  std::vector<size_t>* values) {
  auto sharers = static_cast<size_t>(std::count(takes.begin(), takes.end(), true));
  for (size_t i = 0; i < values->size() && sharers > 0; ++i) {
    if (!takes[i]) continue;
    const double share = static_cast<double>(total) / static_cast<double>(sharers);
    const size_t part =
        std::min({maximum, static_cast<size_t>(std::nearbyint(share)), (*values)[i] - 1});
    (*values)[i] -= part;
    total -= part;
    --sharers;
  }
}

// Makes the widest columns narrower until all fit, or nothing more can be taken.
void Collapse(std::vector<size_t>* widths, size_t limit) {
  for (;;) {
    const size_t total = std::accumulate(widths->begin(), widths->end(), size_t{0});
    if (total <= limit) return;
    const size_t widest = *std::max_element(widths->begin(), widths->end());
    size_t second = 0;
    std::vector<bool> takes(widths->size());
    for (size_t i = 0; i < widths->size(); ++i) {
      takes[i] = (*widths)[i] == widest;
      if (!takes[i]) second = std::max(second, (*widths)[i]);
    }
    if (widest <= 2) return;
    ReduceEvenly(total - limit, takes,
                 std::min(total - limit, widest - std::max<size_t>(second, 1)), widths);
  }
}

using Cells = std::vector<std::string>;

// Padding left and right of a cell: a blank towards each neighbour.
size_t LeftPad(size_t column) { return column > 0 ? 1 : 0; }
size_t RightPad(size_t column, size_t count) { return column + 1 < count ? 1 : 0; }

// How a box fits its place.
struct BoxStyle {
  std::optional<size_t> limit;  // columns of the terminal
  std::vector<bool> whole;      // per column: keeps its width
  bool one_line = false;
};

std::string RenderRow(const Cells& cells, const std::vector<size_t>& widths, bool align_bottom,
                      bool one_line) {
  std::vector<std::vector<std::string>> wrapped;
  size_t height = 1;
  for (size_t i = 0; i < cells.size(); ++i) {
    const size_t padding = LeftPad(i) + RightPad(i, cells.size());
    const size_t width = std::max(widths[i], padding + 1) - padding;
    wrapped.push_back(one_line ? Cells{Truncate(cells[i], width)} : Wrap(cells[i], width));
    height = std::max(height, wrapped.back().size());
  }
  std::string text;
  for (size_t line = 0; line < height; ++line) {
    for (size_t i = 0; i < cells.size(); ++i) {
      const size_t skipped = align_bottom ? height - wrapped[i].size() : 0;
      std::string cell(LeftPad(i), ' ');
      if (line >= skipped && line - skipped < wrapped[i].size()) cell += wrapped[i][line - skipped];
      text += PadRight(cell, widths[i]);
      if (i + 1 < cells.size()) text += '|';
    }
    text += '\n';
  }
  return text;
}

size_t WidestLine(const std::string& text) {
  size_t widest = 0;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    widest = std::max(widest, DisplayWidth(std::string_view(text).substr(begin, end - begin)));
    begin = end + 1;
  }
  return widest;
}

// Makes columns narrower until all fit into `limit`, those that are whole only when the others are
// at their least.
void Fit(const BoxStyle& style, size_t limit, std::vector<size_t>* widths) {
  std::vector<size_t> soft;
  size_t whole = 0;
  for (size_t i = 0; i < widths->size(); ++i) {
    style.whole[i] ? void(whole += (*widths)[i]) : soft.push_back((*widths)[i]);
  }
  Collapse(&soft, std::max(limit, whole + soft.size()) - whole);
  size_t next = 0;
  for (size_t i = 0; i < widths->size(); ++i) {
    if (!style.whole[i]) (*widths)[i] = soft[next++];
  }
  Collapse(widths, limit);
}

std::string RenderBox(const std::vector<Cells>& rows, const BoxStyle& style) {
  const size_t count = rows[0].size();
  std::vector<size_t> widths(count, 0);
  for (const Cells& row : rows) {
    for (size_t i = 0; i < count; ++i) {
      widths[i] = std::max(
          widths[i], std::max<size_t>(WidestLine(row[i]), 1) + LeftPad(i) + RightPad(i, count));
    }
  }
  if (style.limit) Fit(style, std::max(*style.limit, count) - (count - 1), &widths);
  const bool one_line = style.limit && style.one_line;
  std::string text = RenderRow(rows[0], widths, /*align_bottom=*/true, one_line);
  for (size_t i = 0; i < count; ++i) {
    text.append(widths[i], '=');
    if (i + 1 < count) text += '+';
  }
  text += '\n';
  for (size_t r = 1; r < rows.size(); ++r) text += RenderRow(rows[r], widths, false, one_line);
  return text;
}

std::string RenderPlain(const std::vector<Cells>& rows) {
  std::vector<size_t> widths(rows[0].size(), 0);
  for (const Cells& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  std::string text;
  for (const Cells& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i) text += PadRight(row[i], widths[i] + 2);
    text += row.back() + "\n";
  }
  return text;
}

}  // namespace

std::optional<Format> ParseFormat(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Format>, 5> kNames = {
      {{"table", Format::kTable},
       {"json", Format::kJson},
       {"yaml", Format::kYaml},
       {"plain", Format::kPlain},
       {"wide", Format::kWide}}};
  for (const auto& [known, format] : kNames) {
    if (known == name) return format;
  }
  return std::nullopt;
}

std::optional<std::string> TimeOrNone(int64_t epoch_milliseconds) {
  if (epoch_milliseconds == 0) return std::nullopt;
  return FormatTime(epoch_milliseconds);
}

std::optional<std::string> TextOrNone(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

std::string Render(const Table& table, Format format, size_t width) {
  for (const Table::Row& row : table.rows) CHECK(row.size() == table.columns.size());
  if (format == Format::kJson) return RenderJson(table);
  if (format == Format::kYaml) return RenderYaml(table);
  if (table.rows.empty() && format != Format::kPlain) return "No data found\n";

  std::vector<Cells> rows(table.rows.size() + 1);
  const bool one_line = format == Format::kPlain || (format == Format::kTable && table.one_line);
  BoxStyle style{.limit = format == Format::kTable ? std::optional(width) : std::nullopt,
                 .whole = {},
                 .one_line = table.one_line};
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].wide_only && format != Format::kWide) continue;
    rows[0].push_back(table.columns[i].name);
    style.whole.push_back(table.columns[i].whole);
    for (size_t r = 0; r < table.rows.size(); ++r) {
      rows[r + 1].push_back(ShownValue(table.rows[r][i], !one_line));
    }
  }
  if (format == Format::kPlain) return RenderPlain(rows);
  return RenderBox(rows, style);
}

}  // namespace aiflow::cli
