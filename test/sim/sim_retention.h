#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "server/retention.h"
#include "sim_server.h"

namespace aiflow::sim {

/// The real retention of one server, between whose steps the world goes on. Single-threaded.
class SimRetention final : public EngineHandle,
                           public server::RetentionLog,
                           public server::RetentionFiles {
 public:
  /// `step`: lets the world go on, in which `server` may die.
  SimRetention(Durable& durable, SimServer& server, std::function<void()> step)
      : durable_(durable),
        server_(server),
        pulse_(server.pulse()),
        step_(std::move(step)),
        committed_(server.engine().committed()) {}

  /// Of what is older than `keep`.
  void Round(Millis keep);

  void Submit(const Request& request, const std::string& request_id, Done done) override;
  void Read(std::function<void(const Result<const State*>&)> read) override;
  uint64_t Watch(ExecutionId /*execution*/, std::function<void()> /*changed*/) override {
    return 0;
  }
  void Unwatch(uint64_t /*id*/) override {}
  const RecentChanges& recent_changes() const override { return changes_; }
  Offset committed() const override;
  Epoch epoch() const override { return 0; }
  std::string NotReadyReason() const override { return {}; }

  Offset First() const override { return durable_.log.first(); }
  Result<Offset> OffsetBefore(Millis time) const override;
  void DropBefore(Offset offset, std::function<void(Result<Offset>)> done) override;

  Status SweepExecutions(const std::function<bool(ExecutionId)>& pruned,
                         const std::function<bool()>& stopping) override;
  Status SweepBlobs(const std::set<std::string>& named) override;

 private:
  const RecentChanges changes_;  // nobody asks
  Durable& durable_;
  SimServer& server_;  // gone when the pulse is dead
  const std::shared_ptr<const Pulse> pulse_;
  const std::function<void()> step_;
  mutable Offset committed_;  // as the server last knew
};

}  // namespace aiflow::sim
