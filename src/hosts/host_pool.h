#pragma once

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hosts/host.h"
#include "hosts/host_planner.h"

namespace aiflow::hosts {

struct HostPoolOptions {
  int64_t hosts = 4;                                // processes at a time
  std::chrono::milliseconds timeout{30'000};        // of an answer
  std::chrono::milliseconds start_timeout{60'000};  // of a start: files import what they like
  int64_t attempts = 3;  // of a question whose host hangs, dies or talks nonsense
  /// A question that waits this long for the busy hosts of its code gets another one.
  std::chrono::milliseconds patience{200};
};

/// What a HostPool has at hand now, and has done, for the operator's metrics.
struct HostPoolStats {
  int64_t hosts = 0;    // processes, also those that are being killed
  int64_t busy = 0;     // with a question
  int64_t waiting = 0;  // questions without a host
  // Since it was made:
  int64_t starts = 0;
  int64_t answers = 0;   // that hosts gave, errors among them
  int64_t timeouts = 0;  // hosts killed as an answer or their start took too long
  int64_t failures = 0;  // attempts at questions that a hang, death or nonsense has ended
  int64_t given_up = 0;  // questions that failed for good
  int64_t failing = 0;   // failures since the last answer
};

/// The condition hosts of a server, and the questions that wait for them. A host answers questions
/// about the code of one bundle, one at a time; it lives until the pool needs its place. One that
/// hangs, dies or talks nonsense is killed, and its question asked again, behind those that wait.
///
/// Driven by its owner's thread: polled descriptors and the time come from outside.
class HostPool {
 public:
  HostPool(HostPlanner& planner, HostPoolOptions options);
  /// Kills all hosts. Questions that wait are not answered.
  ~HostPool();

  void Ask(ConditionQuestion question, ConditionEvaluator::Done done, TimePoint now);
  void Withdraw(OutboxId id);

  /// What to wait for, beside the time: adds to `polled`.
  void AppendPolled(std::vector<pollfd>& polled) const;
  /// Handles what poll said about them, then what has become due, then hands out work.
  void Handle(const std::vector<pollfd>& polled, TimePoint now);
  /// When Handle, which was called for `now`, is to be called again at the latest; nothing: only
  /// when a descriptor is ready.
  [[nodiscard]] std::optional<TimePoint> NextDue(TimePoint now) const;

  /// Processes that are there, also those that are being killed.
  [[nodiscard]] size_t hosts() const { return hosts_.size(); }
  [[nodiscard]] HostPoolStats stats() const;

 private:
  /// A question, from Ask to its answer.
  struct Asked {
    std::string key;  // of the hosts that can answer it
    ConditionQuestion question;
    ConditionEvaluator::Done done;
    TimePoint since;     // it waits
    int64_t failed = 0;  // attempts
    bool withdrawn = false;
  };
  enum class Phase { kStarting, kIdle, kBusy, kEnding };
  struct Entry {
    Entry(std::string key_arg, std::string log_arg, Host host_arg)
        : key(std::move(key_arg)), log(std::move(log_arg)), host(std::move(host_arg)) {}

    std::string key;
    std::string log;
    Host host;
    Phase phase = Phase::kStarting;
    std::optional<Asked> asked;      // kBusy; and kEnding: of a host that has closed its socket
    std::optional<TimePoint> limit;  // of the phase
    bool starting = true;            // it has not greeted
    TimePoint ready_at;              // its greeting
    TimePoint idle_since;
  };
  using Entries = std::map<int64_t, Entry>;

  void HandleSocket(Entry& entry, TimePoint now);
  void HandleLine(Entry& entry, const std::string& line, TimePoint now);
  void HandleEnd(Entries::iterator at, TimePoint now);
  void Expire(TimePoint now);
  void Assign(TimePoint now);
  /// Whether the question left the queue.
  bool Place(Asked& asked, TimePoint now);
  bool StartHost(const Asked& asked, TimePoint now);
  void Give(Entry& entry, Asked asked, TimePoint now);
  [[nodiscard]] Entry* Find(const std::string& key, Phase phase);
  [[nodiscard]] bool IsStarting(const std::string& key) const;
  /// When the question has waited long enough for the hosts there are.
  [[nodiscard]] TimePoint PatienceEnds(const Asked& asked) const;
  void EndIdleHost();

  /// The host is killed; what it was asked, or was started for, has failed once more.
  void Condemn(Entry& entry, const std::string& why, TimePoint now);
  void Blame(Entry& entry, const std::string& why, TimePoint now);
  /// Its code cannot be loaded: no further attempt would help.
  void GiveUp(Entry& entry, const std::string& why);
  std::list<Asked> TakeWaiting(const std::string& key);
  /// Asks again, or gives up.
  void Fail(Asked asked, const std::string& why, TimePoint now);
  static void Answer(const Asked& asked, ConditionAnswer answer);

  HostPlanner& planner_;
  const HostPoolOptions options_;
  std::list<Asked> waiting_;
  Entries hosts_;
  HostPoolStats done_;  // the counts since the pool was made
  int64_t last_number_ = 0;
};

}  // namespace aiflow::hosts
