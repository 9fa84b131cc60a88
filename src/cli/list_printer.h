#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cli/client.h"
#include "cli/session.h"
#include "cli/table.h"

/// Lists of any length, printed page by page.
namespace aiflow::cli {

struct ListOptions {
  std::string format;
  bool newest_first = false;
  int64_t limit = 0;  // 0: all
};

/// -o, --desc and --limit.
void AddListOptions(CLI::App& command, ListOptions& options);

/// --NAME with one or more of `values`, in any case, separated by commas or repeated.
void AddFilterOption(CLI::App& command, const std::string& name, std::vector<std::string>& chosen,
                     const std::vector<std::string>& values, const std::string& help);

/// Puts the options into a request that has order_by and page_size; `key`: what the list is ordered
/// by.
template <typename Request>
void SetOrder(const ListOptions& options, const std::string& key, Request& request) {
  constexpr int64_t kMaxPage = 500;
  if (options.newest_first) request.set_order_by(key + " desc");
  if (options.limit > 0) {
    request.set_page_size(static_cast<int32_t>(std::min(options.limit, kMaxPage)));
  }
}

/// Prints what `list`, a function of a PageSink<Item>, hands over, as a table like `shape`. The
/// status of the list: the rows before a failure are printed.
template <typename Item, typename ToRow, typename List>
Status PrintPages(Session& session, const Table& shape, const ListOptions& options,
                  const ToRow& to_row, const List& list) {
  TableWriter writer = session.output().MakeTable(shape, *ParseFormat(options.format));
  int64_t printed = 0;
  const Status status = list([&](const Page<Item>& page) {
    std::vector<Table::Row> rows;
    for (const Item& item : page) {
      if (options.limit > 0 && printed == options.limit) break;
      rows.push_back(to_row(item));
      ++printed;
    }
    writer.Add(rows);
    return options.limit == 0 || printed < options.limit;
  });
  if (status.ok()) writer.Finish();
  return status;
}

}  // namespace aiflow::cli
