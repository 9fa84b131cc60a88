// Private to api/grpc.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ai_flow/scheduler_service.pb.h"
#include "api/execution_snapshot.h"
#include "api/grpc/legacy_response.h"

namespace aiflow::api {

/// The workflow that a call names as the parent of what it wants. An unknown one is
/// kInvalidArgument with the frozen text: a list that answers "not found" is an empty one to old
/// clients.
inline Result<WorkflowRow> LegacyParent(const Queries& queries, const std::string& ns,
                                        const std::string& name) {
  auto workflow = FindWorkflow(queries, ns, name);
  if (workflow.has_value()) return workflow;
  return Error(WhenNotFound(Code::kInvalidArgument, NotExists(ns, name))(workflow.error()));
}

/// Ends a list call: `add(row, list)` adds one row to the list message and returns a Status; no
/// rows answer "nothing".
template <typename List, typename Row, typename Add>
grpc::ServerUnaryReactor* FinishLegacyList(grpc::CallbackServerContext* context,
                                           const Result<std::vector<Row>>& rows,
                                           ai_flow::Response* response, Add add) {
  if (!rows.has_value()) return FinishLegacy(context, rows.error(), response);
  if (rows->empty()) {
    SetLegacyNothing(response);
    return FinishLegacy(context);
  }
  List list;
  for (const Row& row : *rows) {
    if (const Status status = add(row, &list); !status.ok()) {
      return FinishLegacy(context, status, response);
    }
  }
  SetLegacyData(list, response);
  return FinishLegacy(context);
}

/// A whole call that lists what a workflow has: `read(id, page)` reads the rows.
template <typename List, typename Read, typename Add>
grpc::ServerUnaryReactor* ListOfWorkflow(grpc::CallbackServerContext* context,
                                         const Queries& queries,
                                         const ai_flow::ListWorkflowItemsRequest& request,
                                         ai_flow::Response* response, Read read, Add add) {
  const Result<WorkflowRow> workflow =
      LegacyParent(queries, request.namespace_(), request.workflow_name());
  if (!workflow.has_value()) return FinishLegacy(context, workflow.error(), response);
  return FinishLegacyList<List>(
      context, read(workflow->id, LegacyPage(request.page_size(), request.offset())), response,
      add);
}

/// Answers a get call: `fill(row)` makes the message; no row answers "nothing".
template <typename Row, typename Fill>
Status FillLegacyFound(const Result<std::optional<Row>>& row, ai_flow::Response* response,
                       Fill fill) {
  if (!row.has_value()) return row.error();
  if (!row->has_value()) {
    SetLegacyNothing(response);
    return Status::Ok();
  }
  const auto proto = fill(**row);
  if (!proto.has_value()) return proto.error();
  SetLegacyData(*proto, response);
  return Status::Ok();
}

}  // namespace aiflow::api
