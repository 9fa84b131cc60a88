// Private to api/grpc.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/execution_snapshot.h"
#include "api/page_token.h"
#include "base/status.h"

namespace aiflow::api {

/// Fills the response of a list call with one page. `read(page)` reads the rows, `key(row)` is what
/// they are ordered by, `add(row)` adds one to the response and returns a Status. `list` as for
/// PageOf. A request with an order_by is ordered by id, either way.
template <typename Request, typename Response, typename Read, typename Key, typename Add>
Status FillPage(std::string_view list, const Request& request, Response* response, Read read,
                Key key, Add add) {
  std::string name(list);
  bool descending = false;
  if constexpr (requires { request.order_by(); }) {
    const Result<bool> order = IsDescending("id", request.order_by());
    if (!order.has_value()) return order.error();
    descending = *order;
    if (descending) name += "-";
  }
  Result<Page> page = PageOf(name, request.page_size(), request.page_token());
  if (!page.has_value()) return page.error();
  page->descending = descending;
  auto rows = read(*page);
  if (!rows.has_value()) return rows.error();
  response->set_next_page_token(CutPage(name, *page, &*rows, key));
  for (const auto& row : *rows) AIFLOW_RETURN_IF_ERROR(add(row));
  return Status::Ok();
}

/// The same for what one workflow has: `read(workflow, page)`. kNotFound names the workflow.
template <typename Request, typename Response, typename Read, typename Add>
Status FillPageOfWorkflow(std::string_view list, const Queries& queries, const Request& request,
                          Response* response, Read read, Add add) {
  const Result<WorkflowRow> workflow = FindWorkflow(queries, request.namespace_(), request.name());
  if (!workflow.has_value()) return workflow.error();
  return FillPage(
      list, request, response, [&](const Page& page) { return read(workflow->id, page); },
      [](const auto& row) { return row.id.value(); },
      [&](const auto& row) { return add(*workflow, row); });
}

/// The values of an enumeration that a request names, as a set; none: all. `name_of` gives the name
/// of each of the `count` values. kInvalidArgument names the field, an unknown value, and what
/// there is.
template <typename Names, typename Value>
Result<ValueSet> SetOf(const std::string& field, const Names& names,
                       std::string_view (*name_of)(Value), unsigned count) {
  ValueSet set = 0;
  for (const std::string& name : names) {
    unsigned value = 0;
    while (value < count && name_of(static_cast<Value>(value)) != name) ++value;
    if (value == count) {
      std::string known;
      for (unsigned i = 0; i < count; ++i) {
        known.append(i == 0 ? "" : ", ").append(name_of(static_cast<Value>(i)));
      }
      return Error(Code::kInvalidArgument, field + ": " + name + " is none of " + known);
    }
    set |= 1U << value;
  }
  return set;
}

}  // namespace aiflow::api
