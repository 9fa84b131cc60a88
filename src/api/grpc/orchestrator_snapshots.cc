#include <string>
#include <utility>

#include "api/execution_snapshot.h"
#include "api/grpc/fill_page.h"
#include "api/grpc/orchestrator_service.h"
#include "api/grpc/submit.h"

namespace aiflow::api {
namespace {

constexpr std::string_view kSnapshots = "snapshots";

void ToProto(const SnapshotRow& row, const WorkflowRow& workflow, v1::WorkflowSnapshot* proto) {
  proto->set_id(row.id.value());
  proto->set_workflow_id(row.workflow_id.value());
  proto->set_create_time(row.created.count());
  proto->set_bundle_name(row.bundle_name);
  proto->set_bundle_sha256(row.bundle_digest);
  proto->set_uri(row.uri);
  proto->set_signature(row.signature);
  proto->set_latest(workflow.latest_snapshot == row.id);
}

Status FillSnapshot(Backend& backend, SnapshotId id, v1::WorkflowSnapshot* response) {
  const Status missing(Code::kNotFound,
                       "Workflow snapshot " + std::to_string(id.value()) + " not exists");
  const auto row = backend.queries.GetSnapshot(id);
  if (!row.has_value()) return row.error();
  if (!row->has_value()) return missing;
  const auto workflow = backend.queries.GetWorkflow((*row)->workflow_id);
  if (!workflow.has_value()) return workflow.error();
  if (!workflow->has_value()) return missing;
  ToProto(**row, **workflow, response);
  auto spec = ShownBlob(backend.blobs, (*row)->spec_digest);
  if (!spec.has_value()) return spec.error();
  response->set_spec_json(*std::move(spec));
  auto pickled = ShownBlob(backend.blobs, (*row)->pickled_digest);
  if (!pickled.has_value()) return pickled.error();
  response->set_pickled_workflow(*std::move(pickled));
  return Status::Ok();
}

}  // namespace

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::ListWorkflowSnapshots(
    Context* context, const v1::ListWorkflowSnapshotsRequest* request,
    v1::ListWorkflowSnapshotsResponse* response) {
  return FinishNow(context, FillPageOfWorkflow(
                                kSnapshots, backend_.queries, *request, response,
                                [this](WorkflowId id, const Page& page) {
                                  return backend_.queries.ListSnapshots(id, page);
                                },
                                [response](const WorkflowRow& workflow, const SnapshotRow& row) {
                                  ToProto(row, workflow, response->add_snapshots());
                                  return Status::Ok();
                                }));
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::GetWorkflowSnapshot(
    Context* context, const v1::GetWorkflowSnapshotRequest* request,
    v1::WorkflowSnapshot* response) {
  return FinishNow(context, FillSnapshot(backend_, SnapshotId(request->snapshot_id()), response));
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::DeleteWorkflowSnapshot(
    Context* context, const v1::WorkflowSnapshotRequest* request, v1::Empty*) {
  return SubmitAndFinish(context, backend_, DeleteSnapshot{request->snapshot_id()},
                         request->request_id(), nullptr);
}

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::DeleteWorkflowSnapshots(
    Context* context, const v1::WorkflowRequest* request, v1::DeletedResponse* response) {
  return SubmitAndFinish(context, backend_, DeleteSnapshots{request->namespace_(), request->name()},
                         request->request_id(), FillDeleted(response));
}

}  // namespace aiflow::api
