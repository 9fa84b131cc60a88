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

std::string JsonObject(const std::vector<Table::Column>& columns, const std::vector<size_t>& shown,
                       const Table::Row& row) {
  std::string json = "{";
  for (const size_t i : shown) {
    if (json.size() > 1) json += ", ";
    json += JsonString(columns[i].name) + ": " + (row[i] ? JsonString(*row[i]) : "null");
  }
  return json + '}';
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

std::string YamlMap(const std::vector<Table::Column>& columns, const std::vector<size_t>& shown,
                    const Table::Row& row) {
  std::string yaml;
  for (const size_t i : shown) {
    yaml += yaml.empty() ? "- " : "  ";
    yaml += columns[i].name + ": " + (row[i] ? YamlString(*row[i]) : "null") + "\n";
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
void Fit(const std::vector<bool>& keep, size_t limit, std::vector<size_t>* widths) {
  std::vector<size_t> soft;
  size_t whole = 0;
  for (size_t i = 0; i < widths->size(); ++i) {
    keep[i] ? void(whole += (*widths)[i]) : soft.push_back((*widths)[i]);
  }
  Collapse(&soft, std::max(limit, whole + soft.size()) - whole);
  size_t next = 0;
  for (size_t i = 0; i < widths->size(); ++i) {
    if (!keep[i]) (*widths)[i] = soft[next++];
  }
  Collapse(widths, limit);
}

std::string PlainRow(const Cells& row, const std::vector<size_t>& widths) {
  std::string text;
  for (size_t i = 0; i + 1 < row.size(); ++i) text += PadRight(row[i], widths[i] + 2);
  return text + row.back() + "\n";
}

std::string DoubleLine(const std::vector<size_t>& widths) {
  std::string text;
  for (size_t i = 0; i < widths.size(); ++i) {
    text.append(widths[i], '=');
    if (i + 1 < widths.size()) text += '+';
  }
  return text + '\n';
}

bool IsBox(Format format) { return format == Format::kTable || format == Format::kWide; }

bool IsShown(const Table::Column& column, const Layout& layout) {
  const bool for_eyes = layout.screen && layout.format == Format::kTable;
  switch (column.shown) {
    case kAlways: return true;
    case kDetail: return layout.format != Format::kTable && layout.format != Format::kPlain;
    case kOnScreen: return for_eyes;
    case kOffScreen: return !for_eyes;
  }
  return true;
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

std::optional<std::string> SpanOrNone(int64_t begin_milliseconds, int64_t end_milliseconds) {
  if (begin_milliseconds == 0 || end_milliseconds == 0) return std::nullopt;
  const int64_t span = std::max<int64_t>(end_milliseconds - begin_milliseconds, 0);
  constexpr int64_t kSecond = 1000;
  constexpr int64_t kMinute = 60 * kSecond;
  constexpr int64_t kHour = 60 * kMinute;
  constexpr int64_t kDay = 24 * kHour;
  const auto both = [span](int64_t unit, const char* name, int64_t part, const char* part_name) {
    return std::to_string(span / unit) + name + std::to_string(span % unit / part) + part_name;
  };
  if (span >= kDay) return both(kDay, " d ", kHour, " h");
  if (span >= kHour) return both(kHour, " h ", kMinute, " min");
  if (span >= kMinute) return both(kMinute, " min ", kSecond, " s");
  if (span >= kSecond) return both(kSecond, ".", kSecond / 10, " s");
  return std::to_string(span) + " ms";
}

std::optional<std::string> TextOrNone(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

TableWriter::TableWriter(Table shape, const Layout& layout,
                         std::function<void(std::string_view)> print)
    : shape_({.columns = std::move(shape.columns), .rows = {}, .one_line = shape.one_line}),
      layout_(layout),
      print_(std::move(print)) {
  for (size_t i = 0; i < shape_.columns.size(); ++i) {
    if (IsShown(shape_.columns[i], layout_)) shown_.push_back(i);
  }
  if (layout_.format != Format::kYaml) return;
  std::sort(shown_.begin(), shown_.end(),
            [this](size_t a, size_t b) { return shape_.columns[a].name < shape_.columns[b].name; });
}

// The first rows decide; more of a limited width never change it.
void TableWriter::Measure(const std::vector<Cells>& rows) {
  const bool box = IsBox(layout_.format);
  const bool limited = layout_.format == Format::kTable;
  if (limited && !widths_.empty()) return;
  widths_.resize(shown_.size(), 0);
  const size_t count = shown_.size();
  for (const Cells& row : rows) {
    for (size_t i = 0; i < count; ++i) {
      const size_t width =
          box ? std::max<size_t>(WidestLine(row[i]), 1) + LeftPad(i) + RightPad(i, count)
              : DisplayWidth(row[i]);
      widths_[i] = std::max(widths_[i], width);
    }
  }
  if (!limited) return;
  std::vector<bool> whole(count);
  for (size_t i = 0; i < count; ++i) {
    whole[i] = shape_.columns[shown_[i]].whole && (layout_.screen || !shape_.one_line);
  }
  Fit(whole, std::max(layout_.width, count) - (count - 1), &widths_);
}

std::string TableWriter::Rows(const std::vector<Table::Row>& rows) {
  const Format format = layout_.format;
  const bool cut = format == Format::kTable && shape_.one_line && layout_.screen;
  std::vector<Cells> cells;
  if (!begun_) {
    Cells& names = cells.emplace_back();
    for (const size_t i : shown_) names.push_back(shape_.columns[i].name);
  }
  for (const Table::Row& row : rows) {
    Cells& line = cells.emplace_back();
    for (const size_t i : shown_) {
      line.push_back(ShownValue(row[i], !cut && format != Format::kPlain));
    }
  }
  Measure(cells);
  std::string text;
  for (size_t r = 0; r < cells.size(); ++r) {
    const bool head = !begun_ && r == 0;
    text += format == Format::kPlain ? PlainRow(cells[r], widths_)
                                     : RenderRow(cells[r], widths_, /*align_bottom=*/head, cut);
    if (head && format != Format::kPlain) text += DoubleLine(widths_);
  }
  return text;
}

void TableWriter::Add(const std::vector<Table::Row>& rows) {
  for (const Table::Row& row : rows) CHECK(row.size() == shape_.columns.size());
  if (rows.empty()) return;
  std::string text;
  if (layout_.format == Format::kJson) {
    for (size_t i = 0; i < rows.size(); ++i) {
      text += begun_ || i > 0 ? ", " : "[";
      text += JsonObject(shape_.columns, shown_, rows[i]);
    }
  } else if (layout_.format == Format::kYaml) {
    for (const Table::Row& row : rows) text += YamlMap(shape_.columns, shown_, row);
  } else {
    text = Rows(rows);
  }
  begun_ = true;
  print_(text);
}

void TableWriter::Finish() {
  switch (layout_.format) {
    case Format::kJson: return print_(begun_ ? "]\n" : "[]\n");
    case Format::kYaml:
      if (!begun_) print_("[]\n");
      return;
    case Format::kPlain:
      if (!begun_) print_(Rows({}));
      return;
    case Format::kTable:
    case Format::kWide:
      if (!begun_) print_("No data found\n");
      return;
  }
}

std::string Render(const Table& table, const Layout& layout) {
  std::string text;
  TableWriter writer(table, layout, [&text](std::string_view part) { text += part; });
  writer.Add(table.rows);
  writer.Finish();
  return text;
}

}  // namespace aiflow::cli
