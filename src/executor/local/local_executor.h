#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/duration_histogram.h"
#include "executor/local/runner_connection.h"
#include "executor/task_executor.h"

namespace aiflow {

struct LocalExecutorOptions {
  RunnerAddress runner;
  std::string attempts_dir;   // absolute; attempts/<execution>/<task>-<sequence>-<try> below it
  int64_t parallelism = 100;  // attempts at a time; more wait their turn in order
  int64_t log_max_bytes = 0;  // what is kept of the end of an attempt's log; 0: all
  /// Beneath each attempt's own environment: the server's.
  std::map<std::string, std::string> environment;
};

/// What a LocalExecutor has done since it was made, for the operator's metrics. Thread-safe.
struct LocalExecutorCounters {
  std::atomic<int64_t> starts = 0;       // attempts handed to the runner for the first time
  std::atomic<int64_t> connections = 0;  // to runners
  DurationHistogram start;               // of an attempt, from Start until it runs
};

/// What a LocalExecutor has at hand now.
struct LocalExecutorUse {
  bool connected = false;   // to the runner
  int64_t unreachable = 0;  // seconds without a runner that can be reached; 0: there is one
  int64_t attempts = 0;     // handed over and not forgotten
  int64_t running = 0;
};

/// The calling process's environment.
std::map<std::string, std::string> ProcessEnvironment();

/// Runs attempts on this machine, through the resident runner of a home: the runner starts, watches
/// and ends them, and goes on when this object or its process is gone. What this class adds: the
/// limit on parallelism, finding or starting a runner whenever there is none, and telling it what
/// is expected then. Thread-safe. Owns a thread from Open to Close, which calls the sink.
class LocalExecutor final : public TaskExecutor {
 public:
  explicit LocalExecutor(LocalExecutorOptions options);
  ~LocalExecutor() override;
  LocalExecutor(const LocalExecutor&) = delete;
  LocalExecutor& operator=(const LocalExecutor&) = delete;

  Status Open(Epoch epoch, std::vector<ExpectedAttempt> expected, ReportSink sink) override;
  void Start(AttemptSpec spec) override;
  void Stop(const AttemptSpec& spec) override;
  void Forget(const AttemptKey& key) override;
  std::string LogPath(const AttemptKey& key) const override;
  int64_t running() const override;
  LocalExecutorUse use() const;
  const LocalExecutorCounters& counters() const { return counters_; }
  void Close() override;

  /// The attempt's directory.
  std::string AttemptDir(const AttemptKey& key) const;

 private:
  enum class Phase : uint8_t {
    kWaiting,  // for its turn
    kSent,     // to the runner, which has not yet answered
    kRunning,
    kEnded,
  };
  struct Attempt {
    AttemptSpec spec;  // argv, env and files only until it runs
    Phase phase = Phase::kWaiting;
    bool stop = false;
    bool forget = false;
    AttemptReport last;
    std::optional<std::chrono::steady_clock::time_point> asked;  // to start, until it runs
  };
  /// What is left to do without the lock.
  struct Afterwards {
    std::vector<AttemptReport> reports;
    std::vector<std::pair<std::string, std::string>> links;  // link, target
    std::vector<std::string> forgotten;                      // directories
  };

  void ThreadMain();
  void Wait(int timeout_ms);
  void Wake() const;
  bool Reconnect();
  void Exchange(Afterwards& after);
  void Resume();
  void DoAfterwards(Afterwards& after);

  void Pump();
  void SendStart(const Attempt& attempt);
  void SendStop(const Attempt& attempt);
  void SendAdopt(const Attempt& attempt);
  void Send(const runner::Message& message);
  runner::AttemptCommand CommandFor(const Attempt& attempt, runner::Verb verb) const;
  void Expect(ExpectedAttempt expected);
  void SetPhase(Attempt& attempt, Phase phase);
  void OnReport(runner::Report report, Afterwards& after);
  void ForgetLocked(const std::string& key, const Attempt& attempt);

  const LocalExecutorOptions options_;
  LocalExecutorCounters counters_;
  ReportSink sink_;
  std::thread thread_;
  int wake_fd_ = -1;

  mutable std::mutex mutex_;  // guards what follows
  Epoch epoch_ = 0;
  bool closing_ = false;
  bool fenced_ = false;  // a higher epoch was seen: this server has nothing to say any more
  RunnerConnection connection_;
  std::optional<std::chrono::steady_clock::time_point> unreachable_since_;
  std::unordered_map<std::string, Attempt> attempts_;  // by text form of the key
  std::deque<std::string> waiting_;
  int64_t active_ = 0;  // sent or running
  int64_t running_ = 0;
  std::vector<AttemptReport> echoes_;   // reports to repeat
  std::vector<std::string> forgotten_;  // directories to clear
};

}  // namespace aiflow
