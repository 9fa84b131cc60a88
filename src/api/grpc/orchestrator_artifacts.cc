#include <unistd.h>

#include <string>

#include "api/artifacts.h"
#include "api/execution_snapshot.h"
#include "api/grpc/byte_range.h"
#include "api/grpc/fill_page.h"
#include "api/grpc/orchestrator_service.h"
#include "api/grpc/submit.h"

namespace aiflow::api {
namespace {

constexpr std::string_view kArtifacts = "artifacts";

Result<std::string> WorkingDir(const Backend& backend, int64_t execution) {
  const auto found = FindExecution(backend.queries, ExecutionId(execution));
  if (!found.has_value()) return Error(found.error());
  if (backend.working_dir == nullptr) {
    return Error(Code::kUnimplemented, "this server knows no working directories");
  }
  return backend.working_dir(found->workflow, found->execution.id);
}

Status FillArtifacts(const Backend& backend, const v1::ListArtifactsRequest& request,
                     v1::ListArtifactsResponse* response) {
  const Result<std::string> directory = WorkingDir(backend, request.execution_id());
  if (!directory.has_value()) return directory.error();
  return FillPage(
      kArtifacts, request, response,
      [&](const Page& page) {
        return ListArtifacts(*directory, page.after_name, static_cast<size_t>(page.limit));
      },
      [](const Artifact& artifact) { return artifact.path; },
      [&](const Artifact& artifact) {
        v1::Artifact* shown = response->add_artifacts();
        shown->set_path(artifact.path);
        shown->set_size(artifact.size);
        shown->set_update_time(artifact.update_time.count());
        return Status::Ok();
      });
}

/// Sends a file in chunks, each read when the one before has left. Deletes itself.
class ArtifactReader final : public grpc::ServerWriteReactor<v1::FileChunk> {
 public:
  ~ArtifactReader() override {
    if (fd_ >= 0) close(fd_);
  }

  void Begin(const Backend& backend, const v1::ReadArtifactRequest& request) {
    Status status = CheckByteRange(request.begin_byte(), request.end_byte());
    if (status.ok()) status = Open(backend, request);
    if (!status.ok()) return Finish(ToGrpc(status));
    next_ = request.begin_byte();
    end_ = request.end_byte();
    Next(/*first=*/true);
  }

  void OnWriteDone(bool ok) override {
    if (ok) {
      Next(/*first=*/false);
    } else {
      Finish(ToGrpc(Status(Code::kCancelled, "the reader is gone")));
    }
  }
  void OnDone() override { delete this; }

 private:
  Status Open(const Backend& backend, const v1::ReadArtifactRequest& request) {
    const Result<std::string> directory = WorkingDir(backend, request.execution_id());
    if (!directory.has_value()) return directory.error();
    const Result<int> opened = OpenArtifact(*directory, request.path());
    if (!opened.has_value()) return opened.error();
    fd_ = *opened;
    return Status::Ok();
  }

  void Next(bool first) {
    if (!ReadPiece(fd_, next_, end_, chunk_.mutable_data())) {
      return Finish(ToGrpc(Status(Code::kInternal, "the file cannot be read")));
    }
    // The size is told even when there is nothing to read.
    if (chunk_.data().empty() && !first) return Finish(grpc::Status::OK);
    next_ += static_cast<int64_t>(chunk_.data().size());
    chunk_.set_next_byte(next_);
    chunk_.set_size(first ? FileSize(fd_) : 0);
    StartWrite(&chunk_);
  }

  int fd_ = -1;
  int64_t next_ = 0;
  int64_t end_ = 0;
  v1::FileChunk chunk_;
};

}  // namespace

grpc::ServerUnaryReactor* OrchestratorServiceAdapter::ListArtifacts(
    Context* context, const v1::ListArtifactsRequest* request,
    v1::ListArtifactsResponse* response) {
  return FinishNow(context, FillArtifacts(backend_, *request, response));
}

grpc::ServerWriteReactor<v1::FileChunk>* OrchestratorServiceAdapter::ReadArtifact(
    Context*, const v1::ReadArtifactRequest* request) {
  auto* reader = new ArtifactReader();
  reader->Begin(backend_, *request);
  return reader;
}

}  // namespace aiflow::api
