#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "runner/claim.h"
#include "runner/messages.h"
#include "runner/process.h"

namespace aiflow::runner {

/// Starts, watches, stops and ends attempts. Single-threaded; owns no loop: it is told when a
/// descriptor of its attempts is ready, when a child changed state, and when time has come. Its
/// memory may be lost at any moment: all that counts is in the attempts' directories.
///
/// Life of an attempt: kWaiting (fork refused for now) -> kStarting (child on its way to exec) ->
/// kRunning -> kCleaning (its leader has ended, others of it have not) -> kEnded.
class Supervisor {
 public:
  /// Which descriptor of an attempt became ready.
  enum class Part : uint8_t { kProcess = 0, kStartPipe = 1, kFilter = 2 };

  /// Watches descriptors for their owner. Process and filter: readable; start pipe: hung up.
  class Watcher {
   public:
    virtual ~Watcher() = default;
    /// False when there is no room for another descriptor.
    virtual bool Watch(int fd, uint64_t attempt_id, Part part) = 0;
    virtual void Unwatch(int fd) = 0;
  };
  using ReportSink = std::function<void(const Report&)>;

  Supervisor(Watcher& watcher, ReportSink sink);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// Start, adopt or stop; repeated ones have no effect but a repeated report.
  void Handle(const AttemptCommand& command);
  void HandleForget(const Forget& forget);
  /// SIGKILL to everything that runs.
  void KillAll();

  void OnReady(uint64_t attempt_id, Part part);
  /// SIGCHLD arrived, about `pid` among others.
  void OnChildSignal(pid_t pid);
  /// Does what is due; the milliseconds until the next is due, -1 for never.
  int OnTime();

  /// Attempts that have not ended.
  [[nodiscard]] size_t alive() const { return alive_; }

 private:
  enum class State : uint8_t { kWaiting, kStarting, kRunning, kCleaning, kEnded };

  struct Attempt {
    uint64_t id = 0;
    State state = State::kWaiting;
    std::string key;
    std::string dir;
    std::string token;
    pid_t pid = 0;
    uint64_t start_time = 0;  // of pid; 0 for a child of ours, whose pid cannot be reused
    bool is_child = false;
    bool signal_group = true;
    bool same_machine = true;     // the claim is of this boot and pid namespace
    bool stop_wanted = false;     // to be signalled as soon as it is claimed
    bool stop_signalled = false;  // by this runner or one before
    bool killed = false;          // its grace is over
    int64_t stop_grace_ms = 0;
    int64_t stop_deadline = 0;  // monotonic; 0: no stop was sent by this runner
    int64_t started_ms = 0;     // monotonic; 0: not by this runner
    int64_t log_max_bytes = 0;  // 0: its log may grow for ever
    uint64_t signal_ticks = 0;  // when it was signalled, in clock ticks since boot
    int64_t newcomers_due = 0;  // monotonic; when who joined later gets the signal, 0: never
    int64_t due = 0;            // monotonic; when to look again, 0: never
    int64_t try_until = 0;      // of a fork
    int64_t pause_ms = 0;
    int pidfd = -1;
    int start_pipe = -1;
    std::optional<int> wait_status;  // exit code, or 128 + signal
    bool died_by_signal = false;
    std::string start_error;  // executing failed
    /// How it ends without (or in spite of) a claim of a process of its own. Until that stands, it
    /// is kWaiting, or kCleaning when something of it may still live.
    std::optional<AttemptResult> verdict;
    bool to_claim = false;   // the verdict counts only once the claim is won with it
    bool unseen = false;     // kWaiting: its claim, or whether it lives, could not be seen
    AttemptCommand command;  // emptied when it was claimed
    /// What is masked in its log; none, too, when another runner has started it.
    std::vector<std::string> secrets;
    bool filtered = false;  // its log has, or had, a filter
    int filter_pidfd = -1;  // of the one that is at work
    int filter_restarts = 0;
    int64_t filter_deadline = 0;  // monotonic; when its end waits for the filter no more
    /// Processes of it that were seen after the end of its leader: pid and start time.
    std::set<std::pair<pid_t, uint64_t>> strays;
    Report last_report;
  };

  Attempt* Find(const std::string& key);
  Attempt& Add(const AttemptCommand& command);

  void Schedule(Attempt& attempt, int64_t due);

  void HandleKnown(Attempt& attempt, const AttemptCommand& command);
  /// Begins with what its claim says.
  void Begin(Attempt& attempt);
  void BeginUnclaimed(Attempt& attempt);
  void LookAgain(Attempt& attempt, const std::string& error);
  void Fork(Attempt& attempt);
  /// Starts it again in a while, until its time is over.
  void Retry(Attempt& attempt, const std::string& error);
  void Adopt(Attempt& attempt, const Result<ClaimRecord>& record);
  /// Nothing when that cannot be seen now.
  std::optional<bool> IsAlive(Attempt& attempt, const Claim& claim);
  void ClaimForEver(Attempt& attempt, Outcome outcome, const std::string& reason);
  void Conclude(Attempt& attempt);

  void SignalStop(Attempt& attempt);
  bool HasEnded(const Attempt& attempt) const;
  void SignalNewcomers(Attempt& attempt);
  void KillGroup(Attempt& attempt);

  void ReadStartPipe(Attempt& attempt);
  void OnNotClaimed(Attempt& attempt, const std::string& note);
  void OnLeaderEnded(Attempt& attempt);
  void Clean(Attempt& attempt);
  /// How many processes of it besides its leader exist; with `kill` they are killed.
  size_t Others(Attempt& attempt, bool kill);
  size_t OtherChildren(Attempt& attempt, bool kill);
  size_t OtherStrangers(const Attempt& attempt, bool kill);
  void Finish(Attempt& attempt);

  // Its log filter (log_filter.h).
  /// Watches the filter, if it has one; starts another in the place of one that was killed.
  void FindFilter(Attempt& attempt);
  /// False when the filter that the record names is not at work.
  bool WatchFilter(Attempt& attempt);
  void RestartFilter(Attempt& attempt);
  void OnFilterEnded(Attempt& attempt);
  /// Whether what it left is complete and masked, or must do as it is. False: the filter's end, or
  /// the end of our patience, comes back to Clean.
  bool IsFiltered(Attempt& attempt);
  void RetryFilters(int64_t now);

  /// Cuts the logs that have outgrown their bound.
  void BoundLogs(int64_t now);
  void BoundLogOf(const Attempt& attempt);

  AttemptResult Judge(const Attempt& attempt) const;

  void Tell(Attempt& attempt, Outcome outcome, int exit_code, const std::string& reason);
  /// Reaps it, reports the result (which is in the claim already, or cannot be) and remembers it.
  void End(Attempt& attempt, const AttemptResult& result);
  void CloseDescriptors(Attempt& attempt);

  Watcher& watcher_;
  const ReportSink sink_;
  const MachineIdentity machine_;
  uint64_t descriptor_limit_ = 0;
  uint64_t last_id_ = 0;
  size_t alive_ = 0;
  std::set<std::pair<int64_t, uint64_t>> due_;  // (due, id)
  std::set<uint64_t> unfiltered_;               // in need of a filter, which could not be started
  int64_t filters_due_ = 0;                     // monotonic; when that is tried again
  int64_t logs_due_ = 0;                        // monotonic; when the logs are looked at
  bool told_no_holes_ = false;
  std::unordered_map<uint64_t, std::unique_ptr<Attempt>> attempts_;
  std::unordered_map<std::string, uint64_t> by_key_;
  std::unordered_map<pid_t, uint64_t> by_pid_;
};

}  // namespace aiflow::runner
