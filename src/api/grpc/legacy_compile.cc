#include "api/grpc/legacy_compile.h"

#include <utility>

#include "api/grpc/legacy_response.h"
#include "api/upload.h"
#include "model/spec_json.h"

namespace aiflow::api {
namespace {

/// What keeps something from running has one code, whoever found it; overload is another.
Status LegacyFailure(const std::string& subject, const Status& status) {
  Code code = status.code();
  if (code == Code::kInvalidArgument || code == Code::kNotFound) code = Code::kFailedPrecondition;
  if (code == Code::kResourceExhausted) code = Code::kUnavailable;
  return {code, subject + " cannot be compiled: " + status.message()};
}

std::string Subject(const WorkflowRow& workflow) {
  return "workflow " + workflow.ns + "." + workflow.name;
}

/// As for an upload of a current client.
Status CheckAndStore(Backend& backend, const WorkflowRow& workflow,
                     const CompiledWorkflow& compiled, AddSnapshot* add) {
  Upload upload;
  UploadedWorkflow uploaded;
  uploaded.spec_json = compiled.spec_json;
  upload.workflows.push_back(std::move(uploaded));
  upload.bundle_name = compiled.bundle_name;
  upload.bundle_size = compiled.bundle_size;
  AIFLOW_RETURN_IF_ERROR(CheckUpload(backend.queries, backend.default_timezone, &upload));
  const WorkflowSpec& spec = upload.workflows.front().spec;
  if (spec.ns != workflow.ns || spec.name != workflow.name) {
    return {Code::kFailedPrecondition, "what is pickled is workflow " + spec.ns + "." + spec.name};
  }
  auto digest = backend.blobs.Put(FormatWorkflowSpec(spec));
  if (!digest.has_value()) return digest.error();
  add->spec_digest = *std::move(digest);
  add->bundle_digest = compiled.bundle_digest;
  add->bundle_name = compiled.bundle_name;
  return Status::Ok();
}

}  // namespace

void CompileSnapshot(Backend& backend, const WorkflowRow& workflow, const std::string& pickled,
                     AddSnapshot add, std::function<void(Result<AddSnapshot>)> done) {
  if (backend.compiler == nullptr) return done(std::move(add));
  PickledWorkflow snapshot{workflow.ns, workflow.name, add.uri, add.signature, pickled};
  backend.compiler->Compile(
      std::move(snapshot), [&backend, workflow, add = std::move(add),
                            done = std::move(done)](const Result<CompiledWorkflow>& compiled) {
        if (!compiled.has_value()) {
          return done(Error(LegacyFailure(Subject(workflow), compiled.error())));
        }
        AddSnapshot complete = add;
        if (!compiled->spec_json.empty()) {
          const Status status = CheckAndStore(backend, workflow, *compiled, &complete);
          if (!status.ok()) return done(Error(LegacyFailure(Subject(workflow), status)));
        }
        done(std::move(complete));
      });
}

void CompileTrigger(Backend& backend, const WorkflowRow& workflow, const std::string& pickled,
                    AddTrigger add, std::function<void(Result<AddTrigger>)> done) {
  if (backend.compiler == nullptr || pickled.empty()) return done(std::move(add));
  PickledRule rule;
  rule.pickled = pickled;
  const auto snapshot = backend.queries.GetSnapshot(workflow.latest_snapshot);
  if (!snapshot.has_value()) return done(Error(snapshot.error()));
  if (snapshot->has_value()) {
    rule.bundle_digest = (*snapshot)->bundle_digest;
    rule.bundle_name = (*snapshot)->bundle_name;
  }
  backend.compiler->Compile(
      std::move(rule), [workflow, add = std::move(add),
                        done = std::move(done)](const Result<CompiledRule>& compiled) {
        if (!compiled.has_value()) {
          return done(Error(
              LegacyFailure("trigger of " + Subject(workflow) + ": its rule", compiled.error())));
        }
        AddTrigger complete = add;
        complete.condition_json = compiled->condition_json;
        complete.params_json = compiled->params_json;
        complete.host_json = compiled->host_json;
        done(std::move(complete));
      });
}

Result<WorkflowRow> LegacyOwner(const Queries& queries, int64_t workflow_id) {
  auto row = queries.GetWorkflow(WorkflowId(workflow_id));
  if (!row.has_value()) return Error(row.error());
  if (!row->has_value()) return Error(Code::kInvalidArgument, ParentNotExists(workflow_id));
  return **std::move(row);
}

}  // namespace aiflow::api
