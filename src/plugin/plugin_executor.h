#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/duration_histogram.h"
#include "executor/task_executor.h"
#include "plugin/plugin_process.h"

namespace aiflow {

struct PluginExecutorOptions {
  std::string name;           // in the configuration
  std::string home_id;        // tells this home from all others
  std::string attempts_dir;   // absolute; laid out as the local executor's
  int64_t log_max_bytes = 0;  // what is kept of the end of an attempt's log; 0: all
  /// Where the plug-in listens, when it is not run by a PluginProcess; at most 107 bytes.
  std::string socket;
  /// How long Open waits for the plug-in: kUnavailable after that. 0: it does not wait, and the
  /// plug-in is tried for as long as it takes.
  Millis open_patience{0};
  /// A plug-in that has not listened and answered for so long is started again.
  Millis start_limit{60'000};
  /// As is one that leaves a command unanswered for so long.
  Millis answer_limit{60'000};
  /// While attempts run the plug-in is asked for all of them so often, for the case that it has
  /// lost a report.
  Millis list_interval{60'000};
  /// Lines for the operator.
  std::function<void(const std::string& line)> warn = [](const std::string&) {};
};

/// What a PluginExecutor has at hand now.
struct PluginExecutorUse {
  bool connected = false;   // to the plug-in, and it has said what it knows
  std::string description;  // what the plug-in says of itself
  std::string problem;      // why it is not connected
  int64_t unreachable = 0;  // seconds without a plug-in; 0: there is one
  int64_t attempts = 0;     // handed over and not forgotten
  int64_t running = 0;
  // Since it was made.
  int64_t starts = 0;          // attempts handed over for the first time
  int64_t refused = 0;         // reports that could not be believed
  int64_t lost = 0;            // attempts that the plug-in no longer knew
  int64_t connections = 0;     // to plug-ins
  int64_t process_starts = 0;  // of the plug-in's program
};

/// Runs attempts through a plug-in: a program that serves aiflow.executor.v1.ExecutorPlugin on a
/// socket (docs/formats/executor-plugin.md). Whatever becomes of the program, nothing is lost and
/// nothing runs twice: what was not answered is said again, after a new connection everything is
/// compared, and what the plug-in says is checked. Thread-safe; nothing but Open waits. Owns a
/// thread from Open to Close, which calls the sink.
class PluginExecutor final : public TaskExecutor {
 public:
  /// `process` runs the plug-in between Open and Close; null: somebody else does.
  explicit PluginExecutor(PluginExecutorOptions options,
                          std::unique_ptr<PluginProcess> process = nullptr);
  ~PluginExecutor() override;
  PluginExecutor(const PluginExecutor&) = delete;
  PluginExecutor& operator=(const PluginExecutor&) = delete;

  Status Open(Epoch epoch, std::vector<ExpectedAttempt> expected, ReportSink sink) override;
  void Start(AttemptSpec spec) override;
  void Stop(const AttemptSpec& spec) override;
  void Forget(const AttemptKey& key) override;
  std::string LogPath(const AttemptKey& key) const override;
  int64_t running() const override;
  void Close() override;

  PluginExecutorUse use() const;
  /// Of attempts, from Start until they ran.
  const DurationHistogram& start_times() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace aiflow
