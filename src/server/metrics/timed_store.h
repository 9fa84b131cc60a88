#pragma once

#include "base/clock.h"
#include "base/duration_histogram.h"
#include "storage/store.h"

namespace aiflow::server {

/// A store whose commits are timed. Thread rules of the store below, which must outlive it;
/// `commits` may be read by any thread.
class TimedStore final : public Store {
 public:
  TimedStore(Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  /// Of every commit, also a failed one.
  [[nodiscard]] const DurationHistogram& commits() const { return commits_; }

  Result<StoreMeta> Meta() const override { return store_.Meta(); }
  Status BindLog(const std::string& log_id) override { return store_.BindLog(log_id); }
  Result<Epoch> TakeLease(const std::string& holder) override { return store_.TakeLease(holder); }
  Status Commit(const CommitBatch& batch) override {
    const auto begun = clock_.Monotonic();
    Status status = store_.Commit(batch);
    commits_.Observe(clock_.Monotonic() - begun);
    return status;
  }
  Result<std::vector<Change>> Load() const override { return store_.Load(); }
  Result<std::vector<Change>> LoadExecution(ExecutionId id) const override {
    return store_.LoadExecution(id);
  }
  Result<std::vector<Change>> LoadSnapshotUsers(
      const std::vector<SnapshotId>& snapshots) const override {
    return store_.LoadSnapshotUsers(snapshots);
  }
  Result<std::vector<Change>> LoadDueExecutions(WorkflowId workflow, Millis from,
                                                Millis to) const override {
    return store_.LoadDueExecutions(workflow, from, to);
  }
  Result<std::vector<Change>> LoadWorkflowExecutions(WorkflowId workflow,
                                                     int64_t limit) const override {
    return store_.LoadWorkflowExecutions(workflow, limit);
  }

 private:
  Store& store_;
  const Clock& clock_;
  DurationHistogram commits_;
};

}  // namespace aiflow::server
