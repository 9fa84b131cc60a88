#pragma once

#include <functional>
#include <string>

#include "base/status.h"
#include "engine/recent_changes.h"
#include "model/requests.h"
#include "model/rows.h"
#include "scheduler/state.h"

namespace aiflow {

/// The thread-safe door to the engine, for the API.
class EngineHandle {
 public:
  virtual ~EngineHandle() = default;

  using Done = std::function<void(Result<ReplyRow>)>;
  /// Appends the request to the log, waits until the engine has committed it, and calls `done` with
  /// its reply; a reply with an error code becomes that error. The same `request_id` (empty: none)
  /// is decided once and answered alike. kUnavailable: not accepted, try again later.
  virtual void Submit(const Request& request, const std::string& request_id, Done done) = 0;

  /// Calls `read` once with the state as of the last commit, from the engine's thread: it must be
  /// short and keep nothing of it. kUnavailable: the engine does not run, or too many ask.
  virtual void Read(std::function<void(const Result<const State*>&)> read) = 0;

  /// Calls `changed` (from the engine's thread, must not block) after each commit that touched the
  /// execution; returns a handle for Unwatch, after which `changed` is not called any more (it
  /// waits for a call that is running, unless it is called from there: hold no lock that `changed`
  /// takes). An invalid id stands for every execution.
  virtual uint64_t Watch(ExecutionId execution, std::function<void()> changed) = 0;
  virtual void Unwatch(uint64_t id) = 0;

  /// What has changed lately; lives as long as the engine's door.
  virtual const RecentChanges& recent_changes() const = 0;

  virtual Offset committed() const = 0;
  virtual Epoch epoch() const = 0;
  /// Empty when ready; else why not.
  virtual std::string NotReadyReason() const = 0;
};

}  // namespace aiflow
