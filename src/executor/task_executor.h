#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "model/attempt_key.h"
#include "model/ids.h"
#include "model/task_status.h"

namespace aiflow {

/// Everything an executor needs to run one attempt.
struct AttemptSpec {
  AttemptKey key;
  std::string executor;                    // the name of the one that runs it; empty: local
  std::string token;                       // proves that a report is of this attempt
  Epoch epoch = 0;                         // of the sender, at send time
  std::vector<std::string> argv;           // argv[0] is looked up in PATH
  std::map<std::string, std::string> env;  // complete but for what the executor adds (attempt dir)
  std::string working_dir;                 // absolute; made when missing
  std::string bundle_dir;                  // absolute: the files of the upload; empty: not needed
  std::string ns, workflow, task;          // for people: what it is an attempt of
  /// Name of an environment variable -> contents of a file in the attempt's directory, whose path
  /// the variable then holds (AIFLOW_EVENT_CONTEXT_FILE).
  std::map<std::string, std::string> files;
  /// Values of `env` that must not be readable in the log, in reasons or in the output.
  std::vector<std::string> secrets;
  std::string log_link;  // where a link to the log is kept; empty: none
  Millis stop_grace{60'000};
  /// SIGTERM goes to the whole process group (bash), or to its leader only (hosts).
  bool signal_group = true;
  /// A failure with this exit code is for good (AttemptReport::final_failure); -1: none is.
  int final_exit_code = -1;
  /// Not empty: it cannot run. Start claims it and reports it FAILED with this reason.
  std::string refusal;
};

/// With this exit code a host says that another try would not mend the failure.
inline constexpr int kFinalExitCode = 100;

/// What an executor reports about an attempt. A report may come more than once; its receiver is
/// idempotent by (key, status).
struct AttemptReport {
  AttemptKey key;
  std::string token;
  TaskStatus status = TaskStatus::kRunning;  // RUNNING, SUCCESS, FAILED or STOPPED
  int64_t pid = 0;
  int exit_code = 0;
  std::string reason;
  std::string output;          // the inline result, with SUCCESS
  bool final_failure = false;  // FAILED in a way that another try does not mend
};

/// What the server believes about an attempt, for reconciliation.
struct ExpectedAttempt {
  AttemptSpec spec;
  TaskStatus status = TaskStatus::kQueued;  // QUEUED: its start row is unacknowledged
  bool stop = false;                        // a stop row is pending
};

/// Runs attempts. Thread-safe. Every call is idempotent by attempt key, and refused (kAborted) when
/// its epoch is below the highest one ever seen. Nothing here blocks for longer than a hand-over.
class TaskExecutor {
 public:
  virtual ~TaskExecutor() = default;

  using ReportSink = std::function<void(AttemptReport)>;

  /// Begins with what the server expects to be alive: adopts what runs, reports what ended, starts
  /// what was never claimed and is QUEUED, reports FAILED "attempt directory lost" for the rest.
  /// `sink` is called from the executor's thread, from now on; it must not block.
  virtual Status Open(Epoch epoch, std::vector<ExpectedAttempt> expected, ReportSink sink) = 0;

  /// Starts the attempt at most once, ever. RUNNING or a final status is reported later.
  virtual void Start(AttemptSpec spec) = 0;
  /// Stops it: signal, grace, kill, then a report of how it really ended; STOPPED without a run
  /// when it was not yet claimed. Unknown attempts are reported FAILED "attempt directory lost".
  virtual void Stop(const AttemptSpec& spec) = 0;
  /// The attempt's row is final and committed: its directory may go, its log stays.
  virtual void Forget(const AttemptKey& key) = 0;

  /// Where the attempt's output is; empty when unknown.
  virtual std::string LogPath(const AttemptKey& key) const = 0;
  /// Attempts that are running now.
  virtual int64_t running() const = 0;
  /// Lets go of the attempts: they run on.
  virtual void Close() = 0;
};

}  // namespace aiflow
