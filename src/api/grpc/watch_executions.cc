#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "api/execution_snapshot.h"
#include "api/grpc/orchestrator_service.h"
#include "api/grpc/turn_stream.h"
#include "api/grpc/v1_convert.h"

namespace aiflow::api {
namespace {

using Response = v1::WatchWorkflowExecutionsResponse;

constexpr size_t kChangesPerMessage = 200;
constexpr size_t kKeptWorkflows = 1'000;

Status Forgotten() {
  return {Code::kOutOfRange,
          "it is not known any more what changed since then: list the executions, and watch from "
          "the committed offset that the server told before"};
}

/// Tells what changed, as it is when it is told.
class ExecutionsWatch final : public TurnStream<Response> {
 public:
  ExecutionsWatch(Backend& backend, const v1::WatchWorkflowExecutionsRequest& request)
      : TurnStream(backend.observers), backend_(backend), request_(request) {}

  void Begin() {
    Hold();
    const RecentChanges& changes = backend_.engine.recent_changes();
    const std::optional<uint64_t> from =
        request_.after_offset() <= 0 ? changes.last() : changes.SequenceOf(request_.after_offset());
    Status refused = from.has_value() ? Status::Ok() : Forgotten();
    if (request_.after_offset() < 0) {
      refused = Status(Code::kInvalidArgument, "after_offset cannot be negative");
    }
    if (!request_.name().empty()) {
      const auto workflow = FindWorkflow(backend_.queries, request_.namespace_(), request_.name());
      if (!workflow.has_value()) refused = workflow.error();
    }
    if (!refused.ok()) return Refuse(refused);
    sequence_ = *from;
    watch_ = backend_.engine.Watch(ExecutionId(), Waker());
    Wake();
  }

 private:
  void Unwatch() override {
    if (watch_ != 0) backend_.engine.Unwatch(watch_);
  }

  Result<Turn> MakeMessage(Response* response) override {
    response->Clear();
    bool more = true;
    while (more && response->changes().empty()) {
      const auto changes = backend_.engine.recent_changes().After(sequence_, kChangesPerMessage);
      if (!changes.has_value()) return Error(Forgotten());
      more = !changes->empty();
      for (const RecentChanges::Change& change : *changes) {
        sequence_ = change.sequence;
        if (Status added = Add(change, response); !added.ok()) return Error(std::move(added));
      }
    }
    return response->changes().empty() ? Turn::kWait : Turn::kWrite;
  }

  Status Add(const RecentChanges::Change& change, Response* response) {
    const auto row = backend_.queries.GetExecution(change.execution);
    if (!row.has_value()) return row.error();
    v1::ExecutionChange told;
    told.set_offset(change.offset);
    told.set_execution_id(change.execution.value());
    if (!row->has_value()) {
      // Of which workflow it was is not known any more, so every watcher is told.
      told.set_deleted(true);
      *response->add_changes() = std::move(told);
      return Status::Ok();
    }
    const auto workflow = Workflow((*row)->workflow_id);
    if (!workflow.has_value()) return workflow.error();
    if (!workflow->has_value()) return Status::Ok();  // going away right now; told as deleted then
    const bool wanted =
        (request_.namespace_().empty() || (*workflow)->ns == request_.namespace_()) &&
        (request_.name().empty() || (*workflow)->name == request_.name());
    if (!wanted) return Status::Ok();
    ToProto(**row, **workflow, told.mutable_execution());
    *response->add_changes() = std::move(told);
    return Status::Ok();
  }

  /// Names and namespaces of workflows never change.
  Result<std::optional<WorkflowRow>> Workflow(WorkflowId id) {
    const auto known = workflows_.find(id);
    if (known != workflows_.end()) return std::optional(known->second);
    auto row = backend_.queries.GetWorkflow(id);
    if (row.has_value() && row->has_value()) {
      if (workflows_.size() >= kKeptWorkflows) workflows_.clear();
      workflows_.emplace(id, **row);
    }
    return row;
  }

  Backend& backend_;
  const v1::WatchWorkflowExecutionsRequest request_;
  uint64_t watch_ = 0;
  // Observers' thread only, once it has begun.
  uint64_t sequence_ = 0;
  std::map<WorkflowId, WorkflowRow> workflows_;
};

}  // namespace

grpc::ServerWriteReactor<Response>* NewExecutionsWatch(
    Backend& backend, const v1::WatchWorkflowExecutionsRequest& request) {
  const auto watch = std::make_shared<ExecutionsWatch>(backend, request);
  watch->Begin();
  return watch.get();
}

}  // namespace aiflow::api
