#include "api/upload.h"

#include <map>
#include <set>
#include <utility>

#include "model/limits.h"
#include "model/spec_json.h"

namespace aiflow::api {
namespace {

constexpr size_t kMaxWorkflowsPerUpload = 1'000;

/// Refuses executors that do not exist: nobody could run the task. Tasks of a pool that does not
/// exist wait for ever, unless somebody makes it.
Status CheckPools(const Queries& queries, const WorkflowSpec& spec,
                  std::vector<std::string>* warnings) {
  std::map<std::string, std::string> wanted;     // pool -> its first task
  std::map<std::string, std::string> executors;  // likewise
  for (const TaskSpec& task : spec.tasks) {
    if (!task.pool.empty()) wanted.emplace(task.pool, task.name);
    if (!task.executor.empty()) executors.emplace(task.executor, task.name);
  }
  executors.erase(kLocalExecutor);
  if (wanted.empty() && executors.empty()) return Status::Ok();
  const auto pools = queries.ListPools({.limit = limits::kMaxPools});
  if (!pools.has_value()) return pools.error();
  std::string known = kLocalExecutor;
  for (const PoolRow& pool : *pools) {
    if (IsExecutorPool(pool) && wanted.contains(pool.name)) {
      return {Code::kInvalidArgument, "task '" + wanted[pool.name] + "': the pool '" + pool.name +
                                          "' is an executor's; say executor='" + pool.name +
                                          "' instead"};
    }
    wanted.erase(pool.name);
    if (!IsExecutorPool(pool) || pool.slots == 0 || pool.name == kLocalExecutor) continue;
    executors.erase(pool.name);
    known += ", " + pool.name;
  }
  if (!executors.empty()) {
    const auto& [executor, task] = *executors.begin();
    return {Code::kInvalidArgument, "task '" + task + "': there is no executor '" + executor +
                                        "'; this server has: " + known};
  }
  size_t told = 0;
  for (const auto& [pool, task] : wanted) {
    if (++told > limits::kMaxReportedProblems) break;
    warnings->push_back("task '" + task + "': there is no pool '" + pool +
                        "'; its tasks wait until somebody makes it: aiflow pool set '" + pool +
                        "' SLOTS");
  }
  return Status::Ok();
}

Status CheckSpec(const Queries& queries, const std::string& default_timezone, const Upload& upload,
                 UploadedWorkflow* workflow) {
  if (workflow->spec_json.size() > limits::kMaxSpecBytes) {
    return {Code::kInvalidArgument,
            "the specification has " + std::to_string(workflow->spec_json.size()) +
                " bytes, more than kMaxSpecBytes " + std::to_string(limits::kMaxSpecBytes)};
  }
  Result<WorkflowSpec> spec = ParseWorkflowSpec(workflow->spec_json);
  if (!spec.has_value()) return spec.error();
  workflow->spec = *std::move(spec);
  // A snapshot keeps the zone it was uploaded with, whatever the server's default becomes.
  if (workflow->spec.timezone.empty()) workflow->spec.timezone = default_timezone;
  AIFLOW_RETURN_IF_ERROR(ValidateWorkflowSpec(workflow->spec, &workflow->warnings));

  const std::string subject = "workflow " + workflow->spec.ns + "." + workflow->spec.name + ": ";
  const auto ns = queries.GetNamespace(workflow->spec.ns);
  if (!ns.has_value()) return ns.error();
  if (!ns->has_value()) {
    return {Code::kNotFound, subject + "Namespace " + workflow->spec.ns +
                                 " not exists; add it first, or use another in the workflow"};
  }
  AIFLOW_RETURN_IF_ERROR(CheckPools(queries, workflow->spec, &workflow->warnings));
  if (workflow->spec.host.language.empty()) return Status::Ok();
  if (upload.bundle_size == 0) {
    return {Code::kInvalidArgument, subject + "it has code to run, but the upload has no bundle"};
  }
  return Status::Ok();
}

}  // namespace

Status CheckUpload(const Queries& queries, const std::string& default_timezone, Upload* upload) {
  if (upload->workflows.empty()) {
    return {Code::kInvalidArgument, "the upload defines no workflow"};
  }
  if (upload->workflows.size() > kMaxWorkflowsPerUpload) {
    return {Code::kInvalidArgument, "the upload has " + std::to_string(upload->workflows.size()) +
                                        " workflows, more than the limit of " +
                                        std::to_string(kMaxWorkflowsPerUpload)};
  }
  if (upload->bundle_size < 0 || upload->bundle_size > int64_t{limits::kMaxBundleBytes}) {
    return {Code::kInvalidArgument, "the bundle has " + std::to_string(upload->bundle_size) +
                                        " bytes, more than kMaxBundleBytes " +
                                        std::to_string(limits::kMaxBundleBytes)};
  }
  if (upload->bundle_size > 0) {
    AIFLOW_RETURN_IF_ERROR(ValidateName("bundle name", upload->bundle_name));
  }
  if (upload->bundle_uri.size() > limits::kMaxUrlBytes) {
    return {Code::kInvalidArgument, "bundle_uri has " + std::to_string(upload->bundle_uri.size()) +
                                        " bytes, more than kMaxUrlBytes " +
                                        std::to_string(limits::kMaxUrlBytes)};
  }
  std::set<std::pair<std::string, std::string>> names;
  for (UploadedWorkflow& workflow : upload->workflows) {
    AIFLOW_RETURN_IF_ERROR(CheckSpec(queries, default_timezone, *upload, &workflow));
    if (!names.emplace(workflow.spec.ns, workflow.spec.name).second) {
      return {Code::kInvalidArgument, "workflow " + workflow.spec.ns + "." + workflow.spec.name +
                                          " is in the upload twice"};
    }
  }
  return Status::Ok();
}

Status CheckBundle(const Upload& upload) {
  if (static_cast<int64_t>(upload.bundle.size()) != upload.bundle_size) {
    return {Code::kInvalidArgument, "the bundle has " + std::to_string(upload.bundle.size()) +
                                        " bytes, announced were " +
                                        std::to_string(upload.bundle_size) + "; upload it again"};
  }
  if (upload.bundle.empty()) return Status::Ok();
  const std::string digest = Sha256Hex(upload.bundle);
  if (digest != upload.bundle_sha256) {
    return {Code::kInvalidArgument, "the bundle's SHA-256 is " + digest + ", announced was " +
                                        upload.bundle_sha256 + "; upload it again"};
  }
  return Status::Ok();
}

Result<std::vector<UploadWorkflow>> StoreUpload(BlobStore& blobs, const Upload& upload) {
  const auto put = [&blobs](const std::string& bytes, std::string* digest) {
    if (bytes.empty()) return Status::Ok();
    Result<std::string> stored = blobs.Put(bytes);
    if (!stored.has_value()) return stored.error();
    *digest = *std::move(stored);
    return Status::Ok();
  };
  std::string bundle_digest;
  if (Status status = put(upload.bundle, &bundle_digest); !status.ok()) {
    return Error(std::move(status));
  }
  std::vector<UploadWorkflow> requests;
  for (const UploadedWorkflow& workflow : upload.workflows) {
    UploadWorkflow request;
    request.ns = workflow.spec.ns;
    request.name = workflow.spec.name;
    request.bundle_digest = bundle_digest;
    request.bundle_name = bundle_digest.empty() ? "" : upload.bundle_name;
    request.uri = upload.bundle_uri;
    Status status = put(FormatWorkflowSpec(workflow.spec), &request.spec_digest);
    if (status.ok()) status = put(workflow.content, &request.content_digest);
    if (status.ok()) status = put(workflow.pickled, &request.pickled_digest);
    if (!status.ok()) return Error(std::move(status));
    requests.push_back(std::move(request));
  }
  return requests;
}

}  // namespace aiflow::api
