#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aiflow::cli {

/// How lists are printed. kWide is kTable without a limit on the width and with every column.
enum class Format { kTable, kJson, kYaml, kPlain, kWide };

/// The names that `-o` takes: table, json, yaml, plain, wide.
std::optional<Format> ParseFormat(std::string_view name);

/// Which prints have a column.
enum Shown {
  kAlways,
  kDetail,     // kWide, kJson and kYaml
  kOnScreen,   // only a kTable for eyes, which puts several columns into one
  kOffScreen,  // all but that
};

/// Rows under named columns. A missing value is null in JSON and YAML, None elsewhere. Plain value.
struct Table {
  struct Column {
    std::string name;
    Shown shown = kAlways;
    bool whole = false;  // never narrowed by kTable: a part of it says nothing
    Column(std::string n, Shown s = kAlways, bool w = false)  // NOLINT
        : name(std::move(n)), shown(s), whole(w) {}
    Column(const char* n, Shown s = kAlways, bool w = false)  // NOLINT
        : name(n), shown(s), whole(w) {}
    Column(const char* n, bool detail, bool w = false)  // NOLINT
        : name(n), shown(detail ? kDetail : kAlways), whole(w) {}
  };
  using Row = std::vector<std::optional<std::string>>;  // one value per column

  std::vector<Column> columns;
  std::vector<Row> rows;
  // For eyes, one line per row: kTable cuts what does not fit instead of breaking it into lines,
  // and only there are columns whole.
  bool one_line = false;
};

/// The place where a table goes.
struct Layout {
  Format format = Format::kTable;
  size_t width = 80;    // columns of the terminal, for kTable
  bool screen = false;  // a terminal with somebody who reads: see Table
};

/// A cell from epoch milliseconds, as local time; missing when 0.
std::optional<std::string> TimeOrNone(int64_t epoch_milliseconds);
/// A cell with the time from one to the other, as "1 min 3 s"; missing before the end.
std::optional<std::string> SpanOrNone(int64_t begin_milliseconds, int64_t end_milliseconds);
/// A cell that is missing when `text` is empty.
std::optional<std::string> TextOrNone(const std::string& text);

/// Prints rows as they come, so that a list of any length takes the memory of one page. One thread.
/// kJson is a list of objects on one line; kYaml a list of maps with sorted keys; kPlain one header
/// line and one line per row, without borders and never wrapped. The first rows decide how wide the
/// columns are; later ones wrap into them (kTable) or make them wider from there on.
class TableWriter {
 public:
  /// `shape`: a table whose rows do not matter. `print` gets text that ends with a line break, but
  /// for kJson.
  TableWriter(Table shape, const Layout& layout, std::function<void(std::string_view)> print);

  void Add(const std::vector<Table::Row>& rows);
  /// After the last rows: what is below them, or that there were none.
  void Finish();

 private:
  std::string Rows(const std::vector<Table::Row>& rows);
  void Measure(const std::vector<std::vector<std::string>>& rows);

  const Table shape_;
  const Layout layout_;
  const std::function<void(std::string_view)> print_;
  std::vector<size_t> shown_;   // indexes of the columns that are printed
  std::vector<size_t> widths_;  // of those, once there are rows
  bool begun_ = false;
};

/// The whole table as text that ends with a line break.
std::string Render(const Table& table, const Layout& layout);
inline std::string Render(const Table& table, Format format, size_t width) {
  return Render(table, Layout{.format = format, .width = width});
}

}  // namespace aiflow::cli
