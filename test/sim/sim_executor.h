#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "chaos.h"
#include "executor/task_executor.h"

namespace aiflow::sim {

class Checker;

/// An executor with durable claims that outlive the server, as the contract of TaskExecutor says.
/// Attempts end by chance; reports are late, repeated and out of order. Keeps the ledger of every
/// process that ever ran. Single-threaded.
class SimExecutor {
 public:
  SimExecutor(Chaos& chaos, Checker& checker) : chaos_(chaos), checker_(checker) {}

  Status Open(Epoch epoch, const std::vector<ExpectedAttempt>& expected,
              TaskExecutor::ReportSink sink);
  void Start(const AttemptSpec& spec);
  void Stop(const AttemptSpec& spec);
  void Forget(const AttemptKey& key);

  /// The server dies: reports on their way are lost; of the commands that were not claimed yet,
  /// some.
  void ServerCrash();
  /// Something happens: a claim, an end, the delivery of a report. `calm`: no endless tasks, no
  /// repeated or forged reports.
  void Tick(bool calm);
  [[nodiscard]] bool idle() const { return handed_ == 0 && running_ == 0 && reports_.empty(); }

 private:
  enum class Phase { kHanded, kRunning, kEnded };
  struct Attempt {
    std::string token;
    std::string executor;
    Phase phase = Phase::kHanded;
    TaskStatus result = TaskStatus::kSuccess;
    std::string reason;
    bool stop = false;
    bool forgotten = false;
    int64_t processes = 0;
  };
  struct Hint {
    AttemptKey key;
    TaskStatus status;
  };

  /// One executor stands for all: that each attempt stays with the one it was first sent to is
  /// checked here.
  void CheckPlace(const AttemptSpec& spec);
  bool Refused(Epoch epoch, const char* what);
  void Hand(const AttemptSpec& spec);
  void Claim(const AttemptKey& key, Attempt& attempt);
  void End(const AttemptKey& key, Attempt& attempt, TaskStatus result, std::string reason);
  void ReportAgain(const AttemptKey& key, const Attempt& attempt);
  void Deliver(bool calm);
  void Forge();
  std::vector<AttemptKey> InPhase(Phase phase) const;

  Chaos& chaos_;
  Checker& checker_;
  std::map<AttemptKey, Attempt> attempts_;
  std::vector<Hint> reports_;
  TaskExecutor::ReportSink sink_;
  Epoch highest_epoch_ = 0;
  int64_t handed_ = 0;
  int64_t running_ = 0;
};

}  // namespace aiflow::sim
