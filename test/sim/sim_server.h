#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chaos.h"
#include "checker.h"
#include "engine/engine.h"
#include "sim_executor.h"
#include "sim_hooks.h"
#include "sim_hosts.h"
#include "sim_log.h"
#include "sim_store.h"
#include "storage/memory/memory_blob_store.h"

namespace aiflow::sim {

/// What outlives a server process.
struct Durable {
  explicit Durable(Chaos& chaos_arg)
      : chaos(chaos_arg),
        log(chaos),
        store(chaos),
        checker(chaos, store, log.events()),
        executor(chaos, checker) {}

  Chaos& chaos;
  SimLog log;
  SimStore store;
  MemoryBlobStore blobs;
  Checker checker;
  SimExecutor executor;
  /// A commit whose reply was lost and that happens later, or never.
  std::optional<CommitBatch> late_commit;
};

/// One life of a server: the real engine, and between it and the durable world the doors at which
/// it may die, before or after every call.
class SimServer {
 public:
  SimServer(Durable& durable, int number);
  ~SimServer();

  Status Recover();
  /// Lets the engine's thread run once, if it would: when woken, when it has more to do, or when
  /// its back-off timer ends. False: it sleeps.
  bool Run();

  [[nodiscard]] bool dead() const { return pulse_->dead; }
  [[nodiscard]] bool lease_lost() const { return lease_lost_; }
  [[nodiscard]] bool asleep() const;
  [[nodiscard]] Engine& engine() { return *engine_; }
  [[nodiscard]] SimHosts& hosts() { return hosts_; }
  [[nodiscard]] SimHooks& hooks() { return hooks_; }
  [[nodiscard]] const std::shared_ptr<Pulse>& pulse() const { return pulse_; }
  void Die(const std::string& where);

 private:
  class LogDoor;
  class StoreDoor;
  class ExecutorDoor;
  class BlobDoor;
  class Planner;

  /// By chance the process dies here. True when it is dead.
  Decision DecideOrDie(const State& state, const DecideInput& input);
  bool MayDie(const char* where);

  Durable& durable_;
  Chaos& chaos_;
  const int number_;
  const std::shared_ptr<Pulse> pulse_ = std::make_shared<Pulse>();
  std::unique_ptr<LogDoor> log_;
  std::unique_ptr<StoreDoor> store_;
  std::unique_ptr<ExecutorDoor> executor_;
  std::unique_ptr<BlobDoor> blobs_;
  std::unique_ptr<Planner> planner_;
  SimHosts hosts_;
  SimHooks hooks_;
  std::unique_ptr<Engine> engine_;
  bool woken_ = false;
  bool more_ = false;
  bool failed_ = false;
  bool lease_lost_ = false;
};

}  // namespace aiflow::sim
