#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "api/execution_snapshot.h"
#include "api/grpc/grpc_status.h"
#include "api/grpc/orchestrator_service.h"
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

/// Tells what changed, as it is when it is told. However fast it changes, one message is being
/// written, and one turn waits for it to leave.
class ExecutionsWatch final : public grpc::ServerWriteReactor<Response>,
                              public std::enable_shared_from_this<ExecutionsWatch> {
 public:
  ExecutionsWatch(Backend& backend, const v1::WatchWorkflowExecutionsRequest& request)
      : backend_(backend), request_(request) {}

  void Begin() {
    self_ = shared_from_this();
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
    if (!refused.ok()) {
      finished_ = true;
      return Finish(ToGrpc(refused));
    }
    sequence_ = *from;
    watch_ = backend_.engine.Watch(ExecutionId(), [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Wake();
    });
    Wake();
  }

  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      if (!ok) cancelled_ = true;
    }
    Wake();
  }
  void OnCancel() override {
    {
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
    }
    Wake();
  }
  void OnDone() override {
    if (watch_ != 0) backend_.engine.Unwatch(watch_);
    self_.reset();
  }

 private:
  /// From any thread: at most one turn is waiting.
  void Wake() {
    {
      const std::lock_guard lock(mutex_);
      if (posted_ || writing_ || finished_) return;
      posted_ = true;
    }
    backend_.observers.Post([self = shared_from_this()] { self->Turn(); });
  }

  /// On the observers' thread.
  void Turn() {
    {
      const std::lock_guard lock(mutex_);
      posted_ = false;
      if (writing_ || finished_) return;
      if (cancelled_) return EndLocked(Status(Code::kCancelled, "the watcher is gone"));
    }
    response_.Clear();
    bool more = true;
    while (more && response_.changes().empty()) {
      const auto changes = backend_.engine.recent_changes().After(sequence_, kChangesPerMessage);
      if (!changes.has_value()) return End(Forgotten());
      more = !changes->empty();
      for (const RecentChanges::Change& change : *changes) {
        sequence_ = change.sequence;
        if (const Status added = Add(change); !added.ok()) return End(added);
      }
    }
    if (response_.changes().empty()) return;
    const std::lock_guard lock(mutex_);
    writing_ = true;
    StartWrite(&response_);
  }

  Status Add(const RecentChanges::Change& change) {
    const auto row = backend_.queries.GetExecution(change.execution);
    if (!row.has_value()) return row.error();
    v1::ExecutionChange told;
    told.set_offset(change.offset);
    told.set_execution_id(change.execution.value());
    if (!row->has_value()) {
      // Of which workflow it was is not known any more, so every watcher is told.
      told.set_deleted(true);
      *response_.add_changes() = std::move(told);
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
    *response_.add_changes() = std::move(told);
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

  void End(const Status& status) {
    const std::lock_guard lock(mutex_);
    EndLocked(status);
  }
  void EndLocked(const Status& status) {
    if (finished_) return;
    finished_ = true;
    Finish(ToGrpc(status));
  }

  Backend& backend_;
  const v1::WatchWorkflowExecutionsRequest request_;
  uint64_t watch_ = 0;
  std::shared_ptr<ExecutionsWatch> self_;  // until OnDone

  // Observers' thread only, once it has begun.
  uint64_t sequence_ = 0;
  std::map<WorkflowId, WorkflowRow> workflows_;
  Response response_;

  std::mutex mutex_;
  bool posted_ = false;
  bool writing_ = false;
  bool cancelled_ = false;
  bool finished_ = false;
};

}  // namespace

grpc::ServerWriteReactor<Response>* NewExecutionsWatch(
    Backend& backend, const v1::WatchWorkflowExecutionsRequest& request) {
  const auto watch = std::make_shared<ExecutionsWatch>(backend, request);
  watch->Begin();
  return watch.get();
}

}  // namespace aiflow::api
