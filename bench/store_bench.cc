// Commits per second of the metadata store with a typical batch, next to the bare sync rate of the
// same disk in the same run, and how long loading takes.
//
//   store_bench [directory] [--seconds N] [--executions N]
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "storage/sqlite/sqlite_store.h"

namespace aiflow {
namespace {

namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

struct Settings {
  fs::path directory = fs::temp_directory_path();
  double seconds = 3;
  int64_t executions = 100'000;
};

double Since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

/// Calls `step` for `seconds` and returns its calls per second.
template <typename F>
double Rate(double seconds, const F& step) {
  const auto start = SteadyClock::now();
  int64_t calls = 0;
  while (Since(start) < seconds) {
    step();
    ++calls;
  }
  return static_cast<double>(calls) / Since(start);
}

double BareSyncRate(const fs::path& directory, double seconds) {
  const fs::path path = directory / "sync";
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  CHECK(fd >= 0) << path << ": " << std::strerror(errno);
  const std::string page(4096, 'p');
  const double rate = Rate(
      seconds, [&] { CHECK(write(fd, page.data(), page.size()) == 4096 && fdatasync(fd) == 0); });
  close(fd);
  return rate;
}

/// Commits what the engine would: ids from counters, one step of one execution per event.
class Workload {
 public:
  Workload(SqliteStore* store, int64_t executions) : store_(store), executions_(executions) {
    const Result<Epoch> epoch = store_->TakeLease("bench");
    CHECK(epoch) << epoch.error();
    epoch_ = *epoch;
  }

  /// Waiting executions with a task and a rule each, 10,000 per commit.
  void Fill() {
    std::vector<Change> changes;
    for (int64_t id = 1; id <= executions_; ++id) {
      changes.emplace_back(Execution(id));
      changes.emplace_back(
          TaskRow{.execution_id = ExecutionId(id), .task = 0, .last_sequence = 1, .latest = 1});
      changes.emplace_back(Run(id, id, 1, TaskStatus::kSuccess));
      changes.emplace_back(
          RuleStateRow{.execution_id = ExecutionId(id), .task = 1, .slots = {1, 0}});
      if (id % 10'000 == 0 || id == executions_) Commit(1, std::move(changes));
    }
    runs_ = executions_;
  }

  /// One event: 1 execution row, 1 task row, 2 task executions, 2 outbox rows (and 2 taken away).
  void CommitEvents(int events) {
    std::vector<Change> changes;
    for (int n = 0; n < events; ++n) AddEvent(&changes);
    changes.emplace_back(
        CountersRow{.execution = executions_, .task_execution = runs_, .outbox = outbox_});
    Commit(events, std::move(changes));
  }

 private:
  ExecutionRow Execution(int64_t id) const {
    return {.id = ExecutionId(id),
            .workflow_id = WorkflowId(1),
            .snapshot_id = SnapshotId(1),
            .status = ExecutionStatus::kRunning,
            .begin = Millis(1'700'000'000'000),
            .event_offset = committed_ + 1};
  }
  static TaskExecutionRow Run(int64_t id, int64_t execution, int64_t sequence, TaskStatus status) {
    return {.id = TaskExecutionId(id),
            .execution_id = ExecutionId(execution),
            .task_name = "train_model",
            .sequence = sequence,
            .status = status,
            .begin = Millis(1'700'000'000'000)};
  }

  void AddEvent(std::vector<Change>* changes) {
    // A multiplicative step: neighbours in time are far apart in the table.
    const int64_t id =
        1 + static_cast<int64_t>((static_cast<uint64_t>(++events_) * 2'654'435'761U) %
                                 static_cast<uint64_t>(executions_));
    const int64_t sequence = 2 + 2 * (events_ / executions_);
    changes->emplace_back(Execution(id));
    changes->emplace_back(TaskRow{.execution_id = ExecutionId(id),
                                  .last_sequence = sequence + 1,
                                  .latest = sequence + 1,
                                  .current = sequence + 1});
    runs_ += 2;
    changes->emplace_back(Run(runs_ - 1, id, sequence + 2 * events_, TaskStatus::kSuccess));
    changes->emplace_back(Run(runs_, id, sequence + 2 * events_ + 1, TaskStatus::kInit));
    outbox_ += 2;
    changes->emplace_back(OutboxRow{.id = OutboxId(outbox_ - 1),
                                    .kind = OutboxKind::kStartAttempt,
                                    .attempt = {ExecutionId(id), 0, sequence, 1}});
    changes->emplace_back(OutboxRow{.id = OutboxId(outbox_),
                                    .publish = {.kind = EventKind::kStatusChanged,
                                                .key = "[task_status_change].default.flow.train",
                                                .value = "TASK_STATUS_CHANGED",
                                                .context = std::string(120, 'c'),
                                                .ns = "default",
                                                .sender = "aiflow",
                                                .id = "i/changed/17-2-1-1/SUCCESS"}});
    if (outbox_ > 200) {
      changes->emplace_back(EraseOutbox{OutboxId(outbox_ - 200)});
      changes->emplace_back(EraseOutbox{OutboxId(outbox_ - 201)});
    }
  }

  void Commit(Offset events, std::vector<Change>&& changes) {
    const Status status = store_->Commit({.epoch = epoch_,
                                          .from_offset = committed_,
                                          .to_offset = committed_ + events,
                                          .changes = std::move(changes)});
    CHECK(status.ok()) << status;
    committed_ += events;
    changes.clear();
  }

  SqliteStore* store_;
  const int64_t executions_;
  Epoch epoch_ = 0;
  Offset committed_ = 0;
  int64_t events_ = 0;
  int64_t runs_ = 0;
  int64_t outbox_ = 0;
};

std::unique_ptr<SqliteStore> MustOpen(const fs::path& path) {
  Result<std::unique_ptr<SqliteStore>> store = SqliteStore::Open(path);
  CHECK(store) << store.error();
  return *std::move(store);
}

void Bench(const Settings& settings, const fs::path& directory) {
  const double sync = BareSyncRate(directory, settings.seconds / 2);
  std::printf("bare fdatasync of a 4 KiB append  %9.0f /s\n", sync);
  const fs::path path = directory / "bench.db";
  {
    const auto store = MustOpen(path);
    Workload workload(store.get(), settings.executions);
    const auto fill = SteadyClock::now();
    workload.Fill();
    std::printf("filled with %lld waiting executions in %.2f s\n",
                static_cast<long long>(settings.executions), Since(fill));
    for (const int events : {1, 64}) {
      const double rate = Rate(settings.seconds, [&] { workload.CommitEvents(events); });
      std::printf(
          "commits of %2d events              %9.0f /s  %9.0f events/s  %3.0f%% of the sync rate\n",
          events, rate, rate * events, 100 * rate / sync);
    }
  }
  const auto start = SteadyClock::now();
  const auto store = MustOpen(path);
  std::printf("open                              %9.1f ms\n", 1000 * Since(start));
  const auto load = SteadyClock::now();
  const Result<std::vector<Change>> changes = store->Load();
  CHECK(changes) << changes.error();
  std::printf("load of %9zu rows             %9.1f ms  (%zu bytes a row, database %.0f MB)\n",
              changes->size(), 1000 * Since(load), sizeof(Change),
              static_cast<double>(fs::file_size(path)) / 1e6);
}

Settings Parse(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--seconds" && i + 1 < argc) {
      settings.seconds = std::stod(argv[++i]);
    } else if (argument == "--executions" && i + 1 < argc) {
      settings.executions = std::stoll(argv[++i]);
    } else {
      settings.directory = argument;
    }
  }
  return settings;
}

}  // namespace
}  // namespace aiflow

int main(int argc, char** argv) {
  const aiflow::Settings settings = aiflow::Parse(argc, argv);
  std::string pattern = settings.directory / "aiflow-store-bench-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    std::perror(pattern.c_str());
    return 1;
  }
  aiflow::Bench(settings, pattern);
  std::filesystem::remove_all(pattern);
  return 0;
}
