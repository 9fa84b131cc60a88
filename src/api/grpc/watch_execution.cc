#include <atomic>
#include <memory>

#include "api/execution_snapshot.h"
#include "api/grpc/orchestrator_service.h"
#include "api/grpc/turn_stream.h"
#include "api/grpc/v1_convert.h"

namespace aiflow::api {
namespace {

constexpr int64_t kShownRunsPerTask = 3;

/// Sends the whole view at once and after changes; however many there are, as it is when it is
/// sent.
class ExecutionWatch final : public TurnStream<v1::WorkflowExecutionView> {
 public:
  ExecutionWatch(Backend& backend, ExecutionId id)
      : TurnStream(backend.observers), backend_(backend), id_(id) {}

  void Begin() {
    Hold();
    // Watch before the first read, so that no change falls between.
    watch_ = backend_.engine.Watch(id_, [this, wake = Waker()] {
      // No call comes once Unwatch has returned.
      changed_ = true;
      wake();
    });
    Wake();
  }

 private:
  void Unwatch() override { backend_.engine.Unwatch(watch_); }

  Result<Turn> MakeMessage(v1::WorkflowExecutionView* view) override {
    if (last_) return Turn::kEnd;
    if (!changed_.exchange(false)) return Turn::kWait;
    const Result<ExecutionSnapshot> snapshot =
        ReadExecution(backend_.queries, backend_.specs, id_, kShownRunsPerTask);
    if (!snapshot.has_value()) return Error(snapshot.error());
    view->Clear();
    CauseReader causes(backend_.log);
    ToProto(*snapshot, &causes, view);
    last_ = IsFinished(snapshot->execution.status);
    return Turn::kWrite;
  }

  Backend& backend_;
  const ExecutionId id_;
  uint64_t watch_ = 0;
  std::atomic<bool> changed_ = true;  // since the last read; the first is due
  bool last_ = false;  // the view that was sent last is the last. Observers' thread only
};

}  // namespace

grpc::ServerWriteReactor<v1::WorkflowExecutionView>* NewExecutionWatch(
    Backend& backend, const v1::GetWorkflowExecutionRequest& request) {
  const auto watch = std::make_shared<ExecutionWatch>(backend, ExecutionId(request.execution_id()));
  watch->Begin();
  return watch.get();
}

}  // namespace aiflow::api
