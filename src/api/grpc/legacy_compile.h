// Private to api/grpc.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "api/backend.h"
#include "api/grpc/legacy_response.h"
#include "model/requests.h"

namespace aiflow::api {

/// Compiles what an old client adds, and gives the request that a current client would have sent:
/// checked as an upload is, its blobs stored. `done` is called once, at once or later on a thread
/// that may block. Failures have the codes of the frozen calls: kFailedPrecondition with the
/// reason, kUnavailable to try again. Without anything to compile, or without a compiler, `add`
/// stays as it is.
void CompileSnapshot(Backend& backend, const WorkflowRow& workflow, const std::string& pickled,
                     AddSnapshot add, std::function<void(Result<AddSnapshot>)> done);
void CompileTrigger(Backend& backend, const WorkflowRow& workflow, const std::string& pickled,
                    AddTrigger add, std::function<void(Result<AddTrigger>)> done);

/// What those two call: submits the request, with `fill` for the answer, and ends the call; a
/// failure ends it at once.
template <typename Add>
std::function<void(Result<Add>)> SubmitCompiled(
    grpc::ServerUnaryReactor* reactor, Backend& backend, ai_flow::Response* response,
    std::function<Status(const ReplyRow&, ai_flow::Response*)> fill) {
  return [reactor, &backend, response, fill = std::move(fill)](const Result<Add>& compiled) {
    if (!compiled.has_value()) {
      SetLegacyError(compiled.error(), response);
      return reactor->Finish(grpc::Status::OK);
    }
    const std::string gone = ParentNotExists(compiled->workflow_id);
    SubmitLegacyTo(reactor, backend, *compiled, WhenNotFound(Code::kInvalidArgument, gone),
                   response, fill);
  };
}

/// The workflow that an add call names by id. kInvalidArgument with the frozen text without it.
Result<WorkflowRow> LegacyOwner(const Queries& queries, int64_t workflow_id);

}  // namespace aiflow::api
