#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "api/execution_snapshot.h"
#include "api/grpc/grpc_status.h"
#include "api/grpc/orchestrator_service.h"
#include "api/grpc/v1_convert.h"

namespace aiflow::api {
namespace {

constexpr int64_t kShownRunsPerTask = 3;

/// Sends the whole view at once and after changes. However many changes there are, at most one view
/// is being written and at most one is wanted next.
class ExecutionWatch final : public grpc::ServerWriteReactor<v1::WorkflowExecutionView>,
                             public std::enable_shared_from_this<ExecutionWatch> {
 public:
  ExecutionWatch(Backend& backend, ExecutionId id) : backend_(backend), id_(id) {}

  void Begin() {
    self_ = shared_from_this();
    // Watch before the first read, so that no change falls between.
    watch_ = backend_.engine.Watch(id_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Changed();
    });
    Changed();
  }

  void OnWriteDone(bool ok) override {
    bool again = false;
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      if (!ok || cancelled_) {
        EndLocked(Status(Code::kCancelled, "the watcher is gone"));
      } else if (last_) {
        EndLocked(Status::Ok());
      } else {
        again = dirty_;
      }
    }
    if (again) Post();
  }

  void OnCancel() override {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (!writing_) EndLocked(Status(Code::kCancelled, "the watcher is gone"));
  }

  void OnDone() override {
    backend_.engine.Unwatch(watch_);
    self_.reset();
  }

 private:
  /// From the engine's thread.
  void Changed() {
    {
      const std::lock_guard lock(mutex_);
      const bool waiting = dirty_;
      dirty_ = true;
      // Somebody is on the way to read anew, or the write's end will do it.
      if (waiting || writing_ || finished_) return;
    }
    Post();
  }

  void Post() {
    backend_.observers.Post([self = shared_from_this()] { self->ReadAndWrite(); });
  }

  /// On the observers' thread.
  void ReadAndWrite() {
    {
      const std::lock_guard lock(mutex_);
      if (finished_ || writing_) return;
      dirty_ = false;
      writing_ = true;
    }
    const Result<ExecutionSnapshot> snapshot =
        ReadExecution(backend_.queries, backend_.specs, id_, kShownRunsPerTask);
    const std::lock_guard lock(mutex_);
    if (cancelled_ || !snapshot.has_value()) {
      writing_ = false;
      EndLocked(cancelled_ ? Status(Code::kCancelled, "the watcher is gone") : snapshot.error());
      return;
    }
    view_.Clear();
    CauseReader causes(backend_.log);
    ToProto(*snapshot, &causes, &view_);
    last_ = IsFinished(snapshot->execution.status);
    StartWrite(&view_);
  }

  void EndLocked(const Status& status) {
    if (finished_) return;
    finished_ = true;
    Finish(ToGrpc(status));
  }

  Backend& backend_;
  const ExecutionId id_;
  uint64_t watch_ = 0;
  std::shared_ptr<ExecutionWatch> self_;  // until OnDone
  v1::WorkflowExecutionView view_;
  std::mutex mutex_;
  bool dirty_ = false;    // changed since the last read
  bool writing_ = false;  // reading or writing a view
  bool last_ = false;     // the view being written is the last
  bool cancelled_ = false;
  bool finished_ = false;
};

}  // namespace

grpc::ServerWriteReactor<v1::WorkflowExecutionView>* NewExecutionWatch(
    Backend& backend, const v1::GetWorkflowExecutionRequest& request) {
  const auto watch = std::make_shared<ExecutionWatch>(backend, ExecutionId(request.execution_id()));
  watch->Begin();
  return watch.get();
}

}  // namespace aiflow::api
