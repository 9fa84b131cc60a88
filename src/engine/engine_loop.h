#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/status.h"
#include "engine/engine.h"
#include "engine/engine_counters.h"
#include "engine/engine_handle.h"
#include "storage/log_handle.h"
#include "storage/queries.h"

namespace aiflow {

struct EngineLoopOptions {
  size_t max_waiting_requests = 16'384;  // refused with kUnavailable beyond
  size_t max_waiting_reads = 256;        // likewise
  Millis first_backoff{10};              // after an error of store or log; doubles
  Millis max_backoff{2'000};
};

/// Owns the engine's thread, and is the door to it. The thread sleeps until there is work, or a
/// timer of the state comes due; only after an error of store or log does it come back by itself.
class EngineLoop final : public EngineHandle {
 public:
  /// `lease_lost` is called from the engine's thread when another server has taken over; the thread
  /// then ends. It must not call Stop. Engine, log and queries must outlive the loop.
  EngineLoop(Engine& engine, LogHandle& log, const Queries& queries, EngineLoopOptions options,
             std::function<void(const Status&)> lease_lost);
  ~EngineLoop() override;

  /// Recovers on the caller's thread, then starts the loop's. An error is a refusal to start.
  Status Start();
  /// Ends the thread after its current step. Requests without an answer get kUnavailable; those
  /// that are in the log are decided by the next server. Idempotent.
  void Stop();

  void Submit(const Request& request, const std::string& request_id, Done done) override;
  void Read(std::function<void(const Result<const State*>&)> read) override;
  /// Calls `done` (from the engine's thread) once the event at `offset` is decided and committed,
  /// or when the loop has ended. The event must be in the log.
  void WhenCommitted(Offset offset, std::function<void()> done);
  uint64_t Watch(ExecutionId execution, std::function<void()> changed) override;
  const RecentChanges& recent_changes() const override;
  void Unwatch(uint64_t id) override;
  Offset committed() const override { return committed_.load(std::memory_order_acquire); }
  Epoch epoch() const override { return epoch_.load(std::memory_order_acquire); }
  std::string NotReadyReason() const override;
  [[nodiscard]] const EngineCounters& counters() const { return counters_; }
  /// Requests that wait for the engine's answer.
  [[nodiscard]] size_t waiting_requests() const;

 private:
  struct Door;
  struct Watches;
  using Instant = std::chrono::steady_clock::time_point;

  /// Counts a request in, unless the door is closed or too many wait.
  Status Admit();
  void Run();
  /// Takes what arrived through the door. False: stop.
  bool Await();
  /// Sleeps until `ready`, or until there is something to do by itself.
  template <typename Ready>
  void Sleep(std::unique_lock<std::mutex>& lock, Ready ready);
  /// One step of the engine and what follows from its outcome. False: the lease is lost.
  bool Step();
  void Failed(const Status& error);
  void Finish();
  void SetNotReady(std::string reason);
  void Expect(Offset offset, Done done);
  void Answer(const ReplyRow& reply, const Done& done) const;

  Engine& engine_;
  LogHandle& log_;
  const Queries& queries_;
  const EngineLoopOptions options_;
  const std::function<void(const Status&)> lease_lost_;

  const std::shared_ptr<Door> door_;  // shared with callbacks of the log, which may come late
  const std::unique_ptr<Watches> watches_;
  std::atomic<Offset> committed_ = 0;
  std::atomic<Epoch> epoch_ = 0;
  EngineCounters counters_;
  std::thread thread_;

  // Engine thread only.
  std::map<uint64_t, Done> waiting_;
  uint64_t next_waiting_ = 0;
  bool more_ = false;               // the engine has more to do at once
  Millis backoff_{0};               // 0: no error
  Millis refused_backoff_{0};       // the last pause before what the log refused was sent again
  std::optional<Millis> next_due_;  // of the engine's timers, wall clock
  bool retry_set_ = false;
  Instant retry_at_;  // valid when retry_set_
};

}  // namespace aiflow
