#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "storage/queries.h"

namespace aiflow::api {

inline constexpr int64_t kDefaultPageSize = 100;
inline constexpr int64_t kMaxPageSize = 1000;

/// The page that a request asks for, with one row more than the page, to see whether there is a
/// next one. `list` names the list, so that a token of another is refused. kInvalidArgument says
/// what is wrong. A token of names goes to Page::after_name, else to Page::after.
Result<Page> PageOf(std::string_view list, int32_t page_size, const std::string& token);

/// How a list of ids is ordered: `order_by` is empty, `field` or "field desc". kInvalidArgument
/// names what there is. Another order is another list to PageOf and TokenAfter.
Result<bool> IsDescending(std::string_view field, const std::string& order_by);

/// The token of the page after the row with this id or name.
std::string TokenAfter(std::string_view list, int64_t id);
std::string TokenAfter(std::string_view list, const std::string& name);

/// Cuts the row beyond the page off `rows` and returns the token of the next page; empty at the
/// end. `key` gives the id or name of a row.
template <typename Rows, typename Key>
std::string CutPage(std::string_view list, const Page& page, Rows* rows, Key key) {
  if (static_cast<int64_t>(rows->size()) < page.limit) return {};
  rows->resize(static_cast<size_t>(page.limit - 1));
  return TokenAfter(list, key(rows->back()));
}

}  // namespace aiflow::api
