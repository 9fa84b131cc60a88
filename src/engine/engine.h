#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "executor/task_executor.h"
#include "model/requests.h"
#include "model/rows.h"
#include "scheduler/decide.h"
#include "storage/blob_store.h"
#include "storage/log_handle.h"
#include "storage/store.h"

namespace aiflow {

/// Turns a committed start or stop into what an executor needs: command line, environment, paths.
/// Wired by the server; simulated in tests. Engine thread only; must not block on the network.
class AttemptPlanner {
 public:
  virtual ~AttemptPlanner() = default;
  /// kFailedPrecondition and the like make the attempt FAILED with the message as its reason.
  /// `cause` is the causing event (offset 0 when it is gone).
  virtual Result<AttemptSpec> Plan(const WorkflowRow& workflow, const SnapshotRow& snapshot,
                                   const TaskExecutionRow& run, const Event& cause) = 0;
};

struct EngineOptions {
  std::string holder = "server";
  size_t max_events_per_commit = 512;
  size_t max_bytes_per_read = 8 << 20;
};

/// The one writer of the scheduling state: decide -> commit -> act. A step-wise object without
/// threads or clocks of its own, so that the simulator drives the very same code; EngineLoop gives
/// it a thread.
class Engine {
 public:
  Engine(LogHandle& log, Store& store, const BlobStore& blobs, TaskExecutor& executor,
         AttemptPlanner& planner, EngineOptions options);
  ~Engine();

  /// Recovery in order (rule 35): check the log's identity, take the lease, load the state, hand
  /// the expected attempts to the executor, re-hand the outbox. `wake` is called from any thread
  /// when there is work for Step. An error is a refusal to start, with what to do.
  Status Recover(std::function<void()> wake);

  /// Reads the next events, decides, commits once, acts. True when there may be more work at once.
  /// kAborted: the lease is lost, stop. Other errors: nothing was acted on; the state was rebuilt
  /// from the store, call again later (the world may have recovered).
  Result<bool> Step();

  [[nodiscard]] Offset committed() const;
  [[nodiscard]] Epoch epoch() const;
  [[nodiscard]] const State& state() const;

  /// `done` is called from Step once an event at `offset` is committed: the reply of that request
  /// (kNotFound in code when the event was no request). Engine thread only; see EngineHandle.
  void OnCommitted(Offset offset, std::function<void(const ReplyRow&)> done);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aiflow
