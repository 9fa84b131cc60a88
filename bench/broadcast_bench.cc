// What one event costs that very many waiting executions hear, by how many of them are decided per
// commit: the whole decision, its longest step (nothing else is decided meanwhile) and memory.
//
//   broadcast_bench [directory] [--executions N] [--per-commit N]
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "engine/engine.h"
#include "model/spec_json.h"
#include "storage/memory/memory_blob_store.h"
#include "storage/memory/memory_log.h"
#include "storage/sqlite/sqlite_store.h"

namespace aiflow {
namespace {

namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

struct Settings {
  fs::path directory = fs::temp_directory_path();
  int64_t executions = 100'000;
  size_t per_commit = limits::kMaxExecutionsPerCommit;
};

double Since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

/// Of this process, in MB: `VmRSS`, or its peak `VmHWM`.
double Memory(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(name + ":", 0) == 0) return std::stod(line.substr(name.size() + 1)) / 1024;
  }
  return 0;
}
void ForgetPeak() { std::ofstream("/proc/self/clear_refs") << "5"; }

class Log final : public LogHandle {
 public:
  std::string log_id() const override { return log_.log_id(); }
  Offset head() const override { return log_.head(); }
  void AppendAsync(Event event, Admission /*admission*/, AppendCallback done) override {
    const auto result = log_.Append({std::move(event)});
    CHECK(result.has_value()) << result.error();
    done((*result)[0]);
  }
  Result<std::vector<Event>> Read(Offset after, size_t events, size_t bytes) const override {
    return log_.Read(after, events, bytes);
  }
  void SetHeadListener(std::function<void(Offset)> /*on_head*/) override {}

 private:
  MemoryLog log_{SystemClock(), "bench"};
};

/// Takes everything and starts nothing.
class Sink final : public TaskExecutor, public AttemptPlanner {
 public:
  Status Open(Epoch, std::vector<ExpectedAttempt>, ReportSink) override { return Status::Ok(); }
  void Start(AttemptSpec) override { ++started; }
  void Stop(const AttemptSpec&) override {}
  void Forget(const AttemptKey&) override {}
  std::string LogPath(const AttemptKey&) const override { return {}; }
  int64_t running() const override { return 0; }
  void Close() override {}
  Result<AttemptSpec> Plan(const WorkflowRow&, const SnapshotRow&, const TaskExecutionRow&,
                           const Event&, const AttemptInputs&) override {
    return AttemptSpec{};
  }

  int64_t started = 0;
};

/// Executions that wait for `go`.
void Fill(SqliteStore& store, MemoryBlobStore& blobs, int64_t executions) {
  WorkflowSpec spec;
  spec.name = "flow";
  TaskSpec& task = spec.tasks.emplace_back();
  task.name = "train";
  task.command = "true";
  task.rules.emplace_back().condition.key = "go";
  const Epoch epoch = *store.TakeLease("fill");
  std::vector<Change> changes = {
      WorkflowRow{
          .id = WorkflowId(1), .ns = "default", .name = "flow", .latest_snapshot = SnapshotId(1)},
      SnapshotRow{.id = SnapshotId(1),
                  .workflow_id = WorkflowId(1),
                  .spec_digest = *blobs.Put(FormatWorkflowSpec(spec))},
      CountersRow{.workflow = 1, .snapshot = 1, .execution = executions}};
  for (int64_t id = 1; id <= executions; ++id) {
    changes.emplace_back(ExecutionRow{.id = ExecutionId(id),
                                      .workflow_id = WorkflowId(1),
                                      .snapshot_id = SnapshotId(1),
                                      .status = ExecutionStatus::kRunning});
    if (id % 10'000 != 0 && id != executions) continue;
    const Status filled = store.Commit({.epoch = epoch, .changes = std::move(changes)});
    CHECK(filled.ok()) << filled;
    changes.clear();
  }
}

void Measure(const Settings& settings, const fs::path& path) {
  auto opened = SqliteStore::Open(path);
  CHECK(opened) << opened.error();
  SqliteStore& store = **opened;
  MemoryBlobStore blobs;
  Fill(store, blobs, settings.executions);
  Log log;
  Sink sink;
  Engine engine(log, store, blobs, sink, sink, {.max_executions_per_commit = settings.per_commit});
  const Status recovered = engine.Recover([] {});
  CHECK(recovered.ok()) << recovered;

  ForgetPeak();
  const double before = Memory("VmRSS");
  log.AppendAsync(Event{.key = "go", .value = "v", .ns = "default", .sender = "bench"},
                  Admission::kExternal, [](const Result<AppendResult>&) {});
  const auto start = SteadyClock::now();
  double longest = 0;
  double first = 0;
  while (engine.committed() == 0) {
    const auto step = SteadyClock::now();
    const Result<bool> more = engine.Step();
    CHECK(more.has_value()) << more.error();
    longest = std::max(longest, Since(step));
    if (first == 0) first = Since(start);
  }
  const double took = Since(start);
  CHECK(sink.started == settings.executions) << sink.started << " attempts were started";
  std::printf(
      "%ld executions, %zu per commit: %.2f s in %ld commits, first start after %.0f ms, longest "
      "step %.0f ms, peak memory +%.0f MB over %.0f MB (%.0f MB more than before remain)\n",
      static_cast<long>(settings.executions), settings.per_commit, took,
      static_cast<long>(engine.stats().commits), first * 1e3, longest * 1e3,
      Memory("VmHWM") - before, before, Memory("VmRSS") - before);
}

int Main(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const bool value = i + 1 < argc;
    if (std::strcmp(argv[i], "--executions") == 0 && value) {
      settings.executions = std::stoll(argv[++i]);
    } else if (std::strcmp(argv[i], "--per-commit") == 0 && value) {
      settings.per_commit = static_cast<size_t>(std::stoll(argv[++i]));
    } else {
      settings.directory = argv[i];
    }
  }
  std::string pattern = settings.directory / "aiflow-bench-XXXXXX";
  CHECK(mkdtemp(pattern.data()) != nullptr) << pattern;
  Measure(settings, fs::path(pattern) / "aiflow.db");
  fs::remove_all(pattern);
  return 0;
}

}  // namespace
}  // namespace aiflow

int main(int argc, char** argv) { return aiflow::Main(argc, argv); }
