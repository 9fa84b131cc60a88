#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "engine/engine_handle.h"
#include "storage/queries.h"

namespace aiflow::server {

/// The event log, as far as retention needs it. Thread-safe.
class RetentionLog {
 public:
  virtual ~RetentionLog() = default;
  /// Offset of the oldest event kept.
  virtual Offset First() const = 0;
  /// The offset before the first event that is not older than `time`.
  virtual Result<Offset> OffsetBefore(Millis time) const = 0;
  /// Removes events below `offset`, as many as go in whole pieces; `done` gets the first one kept.
  /// `done` may come from any thread, once, or never when the log ends first.
  virtual void DropBefore(Offset offset, std::function<void(Result<Offset>)> done) = 0;
};

/// What lies in the home beside the rows. Used by one thread.
class RetentionFiles {
 public:
  virtual ~RetentionFiles() = default;
  /// Removes what belonged to executions that are gone; of those that `pruned` is true for, also
  /// what belonged to runs that are gone. Ends early once `stopping` says so.
  virtual Status SweepExecutions(const std::function<bool(ExecutionId)>& pruned,
                                 const std::function<bool()>& stopping) = 0;
  /// Removes blobs and unpacked bundles that are not named, unless they are fresh.
  virtual Status SweepBlobs(const std::set<std::string>& named) = 0;
};

struct RetentionOptions {
  Millis keep{0};  // 0: rows and events stay for ever
  Millis interval{3'600'000};
  Millis first{60'000};  // before the first round
  /// What one request removes: the engine takes other events between two of them.
  int64_t executions_per_request = 50;
  int64_t runs_per_request = 500;
};

/// What one round has done.
struct RetentionReport {
  int64_t executions = 0;
  int64_t runs = 0;
  Offset first_event = 0;  // 0: no event was removed
  std::vector<Status> errors;
};

/// Removes what is older than the limit, round by round: finished executions, old runs of endless
/// ones, events and replies that nobody needs any more, and then the files, blobs and bundles that
/// nothing names. Rows go through the engine, as events; files follow what the store says, so that
/// an interrupted round is made up for by the next.
class Retention {
 public:
  /// All must outlive it. `report` is called after each round, from its thread.
  Retention(EngineHandle& engine, const Queries& queries, RetentionLog& log, RetentionFiles& files,
            const Clock& clock, RetentionOptions options,
            std::function<void(const RetentionReport&)> report);
  ~Retention();

  /// Begins a thread that makes a round from time to time.
  void Start();
  /// Ends after the step under way. Idempotent.
  void Stop();

  /// One round, on this thread.
  RetentionReport Round();

 private:
  struct Turn;

  void Run();
  [[nodiscard]] bool stopping() const;
  Status RetireExecutions(Millis before, RetentionReport& report);
  Status RetireRuns(Millis before, RetentionReport& report);
  Status DropEvents(Millis before, RetentionReport& report);
  /// Of events below `first`, in steps.
  Status EraseReplies(Offset first);
  Status Sweep();
  /// The number of rows that the engine has removed.
  Result<int64_t> Ask(const RetireRows& request);
  /// Waits for the callback that `begin` is given; kUnavailable when it is stopped meanwhile.
  template <typename T>
  Result<T> Await(const std::function<void(std::function<void(Result<T>)>)>& begin);

  EngineHandle& engine_;
  const Queries& queries_;
  RetentionLog& log_;
  RetentionFiles& files_;
  const Clock& clock_;
  const RetentionOptions options_;
  const std::function<void(const RetentionReport&)> report_;
  const std::shared_ptr<Turn> turn_;  // shared with callbacks, which may come late

  // Of the thread that makes rounds.
  Offset replies_from_ = 0;       // replies below are gone
  std::set<ExecutionId> pruned_;  // runs of these were removed, perhaps not yet their files
  bool first_round_ = true;
};

}  // namespace aiflow::server
