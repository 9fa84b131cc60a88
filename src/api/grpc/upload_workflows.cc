#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/grpc/grpc_status.h"
#include "api/grpc/orchestrator_service.h"
#include "api/reply.h"
#include "api/upload.h"

namespace aiflow::api {
namespace {

/// Gathers the stream, checks everything, stores the blobs, then submits one request per workflow,
/// each after the one before is committed.
class UploadCall final : public grpc::ServerReadReactor<v1::UploadWorkflowsRequest>,
                         public std::enable_shared_from_this<UploadCall> {
 public:
  UploadCall(Backend& backend, grpc::CallbackServerContext* context,
             v1::UploadWorkflowsResponse* response)
      : backend_(backend), context_(context), response_(response) {}

  void Begin() {
    self_ = shared_from_this();
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      // The end of the stream, or the client is gone; then the header may be missing.
      Store();
      return;
    }
    const Status status = message_.has_header() ? AcceptHeader() : AcceptChunk();
    if (!status.ok()) {
      End(status);
      return;
    }
    StartRead(&message_);
  }

  void OnDone() override { self_.reset(); }

 private:
  Status AcceptHeader() {
    if (has_header_) return {Code::kInvalidArgument, "the upload has two headers"};
    has_header_ = true;
    v1::UploadWorkflowsRequest::Header& header = *message_.mutable_header();
    request_id_ = header.request_id();
    upload_.bundle_name = header.bundle_name();
    upload_.bundle_sha256 = header.bundle_sha256();
    upload_.bundle_size = header.bundle_size();
    upload_.bundle_uri = header.bundle_uri();
    for (v1::WorkflowUpload& workflow : *header.mutable_workflows()) {
      UploadedWorkflow uploaded;
      uploaded.spec_json = std::move(*workflow.mutable_spec_json());
      uploaded.content = std::move(*workflow.mutable_content());
      uploaded.pickled = std::move(*workflow.mutable_pickled_workflow());
      upload_.workflows.push_back(std::move(uploaded));
    }
    AIFLOW_RETURN_IF_ERROR(CheckUpload(backend_.queries, backend_.default_timezone, &upload_));
    upload_.bundle.reserve(static_cast<size_t>(upload_.bundle_size));
    return Status::Ok();
  }

  Status AcceptChunk() {
    if (!has_header_) return {Code::kInvalidArgument, "the upload does not begin with its header"};
    const std::string& chunk = message_.bundle_chunk();
    if (upload_.bundle.size() + chunk.size() > static_cast<size_t>(upload_.bundle_size)) {
      return {Code::kInvalidArgument, "the bundle has more bytes than the announced " +
                                          std::to_string(upload_.bundle_size)};
    }
    upload_.bundle.append(chunk);
    return Status::Ok();
  }

  void Store() {
    if (context_->IsCancelled()) return End(Status(Code::kCancelled, "the uploader is gone"));
    if (!has_header_) return End(Status(Code::kInvalidArgument, "the upload is empty"));
    if (Status status = CheckBundle(upload_); !status.ok()) return End(status);
    auto requests = StoreUpload(backend_.blobs, upload_);
    if (!requests.has_value()) return End(requests.error());
    requests_ = *std::move(requests);
    if (Status status = Unpack(); !status.ok()) return End(status);
    SubmitNext();
  }

  /// Finds a bad archive now rather than at the first start, and has it ready then.
  Status Unpack() {
    if (requests_.front().bundle_digest.empty()) return Status::Ok();
    const Result<std::string> directory = backend_.unpack_bundle(requests_.front().bundle_digest);
    if (!directory.has_value()) return directory.error();
    for (const UploadedWorkflow& workflow : upload_.workflows) {
      if (workflow.spec.host.language.empty()) continue;
      const auto file =
          std::filesystem::path(*directory) / upload_.bundle_name / workflow.spec.host.file;
      std::error_code error;
      if (!std::filesystem::is_regular_file(file, error)) {
        return {Code::kInvalidArgument, "workflow " + workflow.spec.ns + "." + workflow.spec.name +
                                            ": the bundle has no file " + upload_.bundle_name +
                                            "/" + workflow.spec.host.file};
      }
    }
    return Status::Ok();
  }

  void SubmitNext() {
    const size_t index = next_;
    const std::string id = request_id_.empty() ? "" : request_id_ + "/" + std::to_string(index);
    backend_.engine.Submit(
        requests_[index], id,
        [self = shared_from_this()](const Result<ReplyRow>& reply) { self->Committed(reply); });
  }

  void Committed(const Result<ReplyRow>& reply) {
    if (!reply.has_value()) {
      HintRetry(context_, reply.error());
      return End(reply.error());
    }
    const UploadedWorkflow& workflow = upload_.workflows[next_];
    v1::UploadWorkflowsResponse::Uploaded* uploaded = response_->add_workflows();
    uploaded->set_workflow_id(reply->id);
    uploaded->set_snapshot_id(ReplyNumber(*reply, "snapshot_id"));
    uploaded->set_namespace_(workflow.spec.ns);
    uploaded->set_name(workflow.spec.name);
    for (const std::string& warning : workflow.warnings) uploaded->add_warnings(warning);
    if (++next_ == requests_.size()) return End(Status::Ok());
    SubmitNext();
  }

  void End(const Status& status) { Finish(ToGrpc(status)); }

  Backend& backend_;
  grpc::CallbackServerContext* const context_;
  v1::UploadWorkflowsResponse* const response_;
  std::shared_ptr<UploadCall> self_;  // until OnDone
  v1::UploadWorkflowsRequest message_;
  Upload upload_;
  std::string request_id_;
  bool has_header_ = false;
  std::vector<UploadWorkflow> requests_;
  size_t next_ = 0;
};

}  // namespace

grpc::ServerReadReactor<v1::UploadWorkflowsRequest>* NewUpload(
    Backend& backend, grpc::CallbackServerContext* context, v1::UploadWorkflowsResponse* response) {
  const auto call = std::make_shared<UploadCall>(backend, context, response);
  call->Begin();
  return call.get();
}

}  // namespace aiflow::api
