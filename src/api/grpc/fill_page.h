// Private to api/grpc.
#pragma once

#include <string_view>

#include "api/execution_snapshot.h"
#include "api/page_token.h"
#include "base/status.h"

namespace aiflow::api {

/// Fills the response of a list call with one page. `read(page)` reads the rows, `key(row)` is what
/// they are ordered by, `add(row)` adds one to the response and returns a Status. `list` as for
/// PageOf.
template <typename Request, typename Response, typename Read, typename Key, typename Add>
Status FillPage(std::string_view list, const Request& request, Response* response, Read read,
                Key key, Add add) {
  const Result<Page> page = PageOf(list, request.page_size(), request.page_token());
  if (!page.has_value()) return page.error();
  auto rows = read(*page);
  if (!rows.has_value()) return rows.error();
  response->set_next_page_token(CutPage(list, *page, &*rows, key));
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

}  // namespace aiflow::api
