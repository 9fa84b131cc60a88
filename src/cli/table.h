#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aiflow::cli {

/// How lists are printed. kWide is kTable without a limit on the width and with every column.
enum class Format { kTable, kJson, kYaml, kPlain, kWide };

/// The names that `-o` takes: table, json, yaml, plain, wide.
std::optional<Format> ParseFormat(std::string_view name);

/// Rows under named columns. A missing value is null in JSON and YAML, None elsewhere. Plain value.
struct Table {
  struct Column {
    std::string name;
    bool wide_only = false;  // shown by kWide, kJson and kYaml only
    bool whole = false;      // never narrowed by kTable: a part of it says nothing
    Column(std::string n, bool wide = false, bool w = false)  // NOLINT
        : name(std::move(n)), wide_only(wide), whole(w) {}
    Column(const char* n, bool wide = false, bool w = false)  // NOLINT
        : name(n), wide_only(wide), whole(w) {}
  };
  using Row = std::vector<std::optional<std::string>>;  // one value per column

  std::vector<Column> columns;
  std::vector<Row> rows;
  bool one_line = false;  // kTable cuts what does not fit instead of breaking it into lines
};

/// A cell from epoch milliseconds, as local time; missing when 0.
std::optional<std::string> TimeOrNone(int64_t epoch_milliseconds);
/// A cell that is missing when `text` is empty.
std::optional<std::string> TextOrNone(const std::string& text);

/// The table as text that ends with a line break. `width`: columns of the terminal, for kTable.
/// kJson is a list of objects on one line; kYaml a list of maps with sorted keys; kPlain one header
/// line and one line per row, without borders and never wrapped.
std::string Render(const Table& table, Format format, size_t width);

}  // namespace aiflow::cli
