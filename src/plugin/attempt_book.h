#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/backoff.h"
#include "executor/task_executor.h"
#include "plugin/plugin_messages.h"

namespace aiflow::plugin {

/// What a server knows of the attempts at one plug-in: what is still to be said to it, and what its
/// reports are worth. No input or output, no clock, no thread: its owner calls it under a lock, and
/// does what it says. Not thread-safe.
class AttemptBook {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  enum class Verb { kStart, kStop };
  struct Command {
    Verb verb = Verb::kStart;
    std::string key;
    AttemptSpec spec;
  };
  enum class Outcome {
    kDone,   // answered OK
    kFull,   // nothing more may be started now
    kRetry,  // said again after a pause
  };
  /// What is left to do for its owner.
  struct Tidings {
    std::vector<AttemptReport> reports;                       // for the server
    std::vector<std::pair<std::string, AttemptKey>> links;    // where a link to the log is wanted
    std::vector<std::string> complaints;                      // about the plug-in
    std::vector<std::chrono::steady_clock::duration> starts;  // from Start until RUNNING
  };
  /// Since it was made.
  struct Counts {
    int64_t starts = 0;    // attempts handed over for the first time
    int64_t refused = 0;   // reports that could not be believed
    int64_t unknown = 0;   // reports of attempts of nobody
    int64_t replayed = 0;  // commands said again
    int64_t lost = 0;      // attempts that the plug-in no longer knew
  };

  explicit AttemptBook(std::string executor) : executor_(std::move(executor)) {}

  // ---- What the server wants.
  void Expect(ExpectedAttempt expected, Instant now);
  void Start(AttemptSpec spec, Instant now);
  void Stop(const AttemptSpec& spec, Instant now);
  void Forget(const AttemptKey& key);

  // ---- What there is to say to the plug-in.
  /// The next command that is due; it is under way until it is answered.
  std::optional<Command> Next(Instant now);
  void Answered(const std::string& key, Verb verb, Outcome outcome, Instant now);
  /// Up to `limit` keys to forget; under way until Forgotten.
  std::vector<std::string> NextForgets(size_t limit, Instant now);
  /// Returns the attempts whose files may go.
  std::vector<AttemptKey> Forgotten(bool done, Instant now);
  /// When Next or NextForgets will have something; nothing: not before something else happens.
  [[nodiscard]] std::optional<Instant> NextDue() const;
  /// Commands that are not yet answered.
  [[nodiscard]] size_t under_way() const { return under_way_; }
  /// Nothing is under way any more, and stops are said again.
  void Disconnected(Instant now);

  // ---- What the plug-in says.
  void BeginList() { ++round_; }
  /// `listed`: in the list that has begun.
  void Report(PluginReport report, bool listed, Instant now);
  /// An attempt that was claimed before the list began, and is not in it, is lost.
  void EndList(Instant now);
  /// One more report that could not even be read.
  void Refuse(std::string why);

  Tidings Take() { return std::exchange(tidings_, {}); }
  /// Take would have something that nobody else announces.
  [[nodiscard]] bool has_tidings() const { return !tidings_.reports.empty(); }

  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(attempts_.size()); }
  [[nodiscard]] int64_t running() const { return running_; }
  /// Attempts that have not ended.
  [[nodiscard]] int64_t alive() const { return size() - ended_; }
  [[nodiscard]] const Counts& counts() const { return counts_; }
  void Clear();

 private:
  enum class Phase : uint8_t { kNew, kAccepted, kRunning, kEnded };
  struct Attempt {
    AttemptSpec spec;  // argv, env and files only until it is claimed
    Phase phase = Phase::kNew;
    bool claimed = false;    // the plug-in has said so
    bool lost = false;       // and has forgotten it
    bool stop = false;       // is wanted
    bool stop_told = false;  // over this connection
    bool forget = false;     // as soon as its end is known
    bool under_way = false;  // a command is
    bool sent = false;       // a Start, at least once
    int64_t claimed_in = 0;  // the list round in which it was claimed
    int64_t listed_in = 0;   // the last list round that had it
    AttemptReport last;
    std::optional<Instant> asked;  // to start, until it runs
    std::optional<Instant> queued_at;
    uint64_t queued_order = 0;
    Backoff backoff;
  };
  using Queue = std::map<std::pair<Instant, uint64_t>, std::string>;

  static std::optional<Verb> Wanted(const Attempt& attempt);
  void Enqueue(const std::string& key, Attempt& attempt, Instant at);
  void Unqueue(Attempt& attempt);
  Queue& QueueOf(Verb verb) { return verb == Verb::kStart ? starts_ : stops_; }
  void SetPhase(Attempt& attempt, Phase phase);
  void SetClaimed(Attempt& attempt);
  void OnUnknown(const PluginReport& report);
  /// False when it says nothing new.
  bool IsNews(const Attempt& attempt, const PluginReport& report, bool listed);

  const std::string executor_;
  std::unordered_map<std::string, Attempt> attempts_;  // by text form of the key
  // What is to be said, by when and in the order in which it was asked for.
  Queue starts_;
  Queue stops_;
  uint64_t next_order_ = 1;
  Instant starts_pause_until_{};
  Backoff starts_backoff_;
  std::set<std::string> forgets_;
  std::vector<std::string> forgets_under_way_;
  Instant forgets_pause_until_{};
  Backoff forgets_backoff_;
  size_t under_way_ = 0;
  int64_t round_ = 0;
  int64_t running_ = 0;
  int64_t ended_ = 0;
  Tidings tidings_;
  Counts counts_;
};

}  // namespace aiflow::plugin
