#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/attempt_tokens.h"
#include "engine/engine.h"
#include "model/event_keys.h"
#include "model/requests.h"
#include "model/spec_json.h"
#include "storage/memory/memory_blob_store.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_store.h"

/// The world around an engine, in memory, for the tests of this folder.
namespace aiflow::engine_world {

/// A log that appends at once, or refuses when told to. Thread-safe.
class FakeLog final : public LogHandle {
 public:
  explicit FakeLog(std::string id = "log-1") : log_(SystemClock(), std::move(id)) {}

  std::string log_id() const override { return log_.log_id(); }
  Offset head() const override { return log_.head(); }
  void AppendAsync(Event event, Admission admission, AppendCallback done) override {
    Result<AppendResult> result = Error(Code::kUnavailable, "the queue is full");
    {
      const std::lock_guard lock(mutex_);
      if (!(admission == Admission::kInternal ? refuse_internal : refuse_external)) {
        result = (*log_.Append({std::move(event)}))[0];
      }
    }
    done(result);
    if (!result.has_value()) {
      ++refusals;
      refusals.notify_all();
    }
    const std::lock_guard lock(listener_mutex_);
    if (result.has_value() && on_head_) on_head_(head());
  }
  Result<std::vector<Event>> Read(Offset after, size_t events, size_t bytes) const override {
    if (unreadable) return Error(Code::kUnavailable, "the log cannot be read");
    return log_.Read(after, events, bytes);
  }
  void SetHeadListener(std::function<void(Offset)> on_head) override {
    const std::lock_guard lock(listener_mutex_);
    on_head_ = std::move(on_head);
  }

  /// Appends from outside.
  Offset Append(Event event) {
    Offset offset = 0;
    AppendAsync(std::move(event), Admission::kExternal,
                [&offset](const Result<AppendResult>& result) {
                  if (result.has_value()) offset = result->offset;
                });
    return offset;
  }
  /// Removes events, as retention does.
  void DropBefore(Offset offset) { (void)log_.DropBefore(offset); }
  [[nodiscard]] std::vector<Event> Events() const { return *log_.Read(0, 10'000, 1 << 30); }
  [[nodiscard]] int64_t CountId(const std::string& id) const {
    int64_t count = 0;
    for (const Event& event : Events()) count += event.id == id ? 1 : 0;
    return count;
  }

  std::atomic<bool> refuse_internal = false;
  std::atomic<bool> refuse_external = false;
  std::atomic<bool> unreadable = false;
  std::atomic<int> refusals = 0;

 private:
  MemoryLog log_;
  std::mutex mutex_;
  std::mutex listener_mutex_;
  std::function<void(Offset)> on_head_;
};

/// Writes down what it is told, in order with what other parts of the world write there.
class FakeExecutor final : public TaskExecutor {
 public:
  explicit FakeExecutor(std::vector<std::string>& journal) : journal_(journal) {}

  Status Open(Epoch epoch, std::vector<ExpectedAttempt> attempts, ReportSink report) override {
    journal_.push_back("open epoch " + std::to_string(epoch));
    expected = std::move(attempts);
    sink = std::move(report);
    return Status::Ok();
  }
  void Start(AttemptSpec spec) override {
    if (!spec.refusal.empty()) {
      journal_.push_back("refuse " + spec.key.ToString());
      sink({.key = spec.key,
            .token = spec.token,
            .status = TaskStatus::kFailed,
            .reason = spec.refusal});
      return;
    }
    journal_.push_back("start " + spec.key.ToString());
    started.push_back(std::move(spec));
  }
  void Stop(const AttemptSpec& spec) override {
    journal_.push_back("stop " + spec.key.ToString());
    stopped.push_back(spec);
  }
  void Forget(const AttemptKey& key) override { journal_.push_back("forget " + key.ToString()); }
  std::string LogPath(const AttemptKey& /*key*/) const override { return {}; }
  int64_t running() const override { return 0; }
  void Close() override {}

  std::vector<ExpectedAttempt> expected;
  std::vector<AttemptSpec> started;
  std::vector<AttemptSpec> stopped;
  ReportSink sink;

 private:
  std::vector<std::string>& journal_;
};

class FakePlanner final : public AttemptPlanner {
 public:
  Result<AttemptSpec> Plan(const WorkflowRow& workflow, const SnapshotRow& /*snapshot*/,
                           const TaskExecutionRow& run, const Event& cause,
                           const AttemptInputs& inputs) override {
    if (broken) return Error(Code::kFailedPrecondition, "python3.7 is gone");
    if (away.contains(workflow.name)) return Error(Code::kDeadlineExceeded, "is being fetched");
    AttemptSpec spec;
    spec.argv = {"run", workflow.name, run.task_name};
    spec.env["PARAMS"] = inputs.params_json;
    for (const auto& [task, output] : inputs.outputs) spec.env["OUTPUT " + task] = output;
    spec.env["CAUSE"] = std::to_string(cause.offset) + " " + cause.key;
    return spec;
  }

  bool broken = false;
  std::set<std::string> away;  // workflows whose bundle is not here yet
};

/// A store that writes its calls into the journal, and fails when told to.
class FakeStore final : public MemoryStore {
 public:
  explicit FakeStore(std::vector<std::string>& journal) : journal_(journal) {}

  Result<StoreMeta> Meta() const override {
    if (unreadable) return Error(Code::kUnavailable, "the store cannot be read");
    return MemoryStore::Meta();
  }
  Result<Epoch> TakeLease(const std::string& holder) override {
    journal_.push_back("lease");
    return MemoryStore::TakeLease(holder);
  }
  Status Commit(const CommitBatch& batch) override {
    if (std::exchange(refuse_next, false)) {
      refused = true;
      return {Code::kUnavailable, "the disk is full"};
    }
    Status committed = MemoryStore::Commit(batch);
    journal_.push_back("commit " + std::to_string(batch.to_offset) +
                       (committed.ok() ? "" : " " + std::string(CodeName(committed.code()))));
    last = batch;
    return committed;
  }
  Result<std::vector<Change>> Load() const override {
    journal_.push_back("load");
    return MemoryStore::Load();
  }
  Result<std::vector<Change>> LoadExecution(ExecutionId id) const override {
    if (unreadable) return Error(Code::kUnavailable, "the store cannot be read");
    return MemoryStore::LoadExecution(id);
  }

  bool unreadable = false;
  bool refuse_next = false;
  bool refused = false;  // ever
  CommitBatch last;

 private:
  std::vector<std::string>& journal_;
};

/// What outlives an engine.
struct World {
  std::vector<std::string> journal;
  FakeLog log;
  FakeStore store{journal};
  MemoryBlobStore blobs;
  FakeExecutor executor{journal};
  FakePlanner planner;
};

inline TaskSpec Task(std::string name, const std::string& start_on = "") {
  TaskSpec task;
  task.name = std::move(name);
  task.command = "true";
  if (!start_on.empty()) {
    RuleSpec& rule = task.rules.emplace_back();
    rule.condition.key = start_on;
  }
  return task;
}

/// The event of an upload of workflow `flow` with these tasks.
inline Event Upload(World& world, std::vector<TaskSpec> tasks, const std::string& name = "flow") {
  WorkflowSpec spec;
  spec.name = name;
  spec.tasks = std::move(tasks);
  const std::string digest = *world.blobs.Put(FormatWorkflowSpec(spec));
  return FormatRequest(UploadWorkflow{.ns = "default", .name = name, .spec_digest = digest});
}

inline Request StartFlow() { return StartWorkflowExecution{.ns = "default", .name = "flow"}; }

inline Event UserEvent(std::string key) {
  return Event{.key = std::move(key), .value = "v", .ns = "default", .sender = "test"};
}

}  // namespace aiflow::engine_world
