#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hosts/host_pool.h"
#include "model/ids.h"
#include "server/disk_watch.h"

namespace aiflow::server {

/// What decides whether a server is ready. Plain value.
struct ReadinessFacts {
  std::string engine;       // what keeps the engine from going on; empty: nothing
  Offset recover_from = 0;  // the committed offset when this server began
  Offset recover_to = 0;    // the head of the log then
  Offset committed = 0;     // now
  int64_t runner_away = 0;  // seconds without a runner; 0: there is one
  DiskReport disk;
  hosts::HostPoolStats hosts;
  std::vector<std::string> executors;  // a line for each that cannot be reached
  std::string blob_store;              // why it gives no answers; empty: it does
};

/// One line for each reason, the most important first. Plain value.
struct Readiness {
  std::vector<std::string> problems;  // any: not ready
  std::vector<std::string> warnings;  // ready, but somebody should look

  /// The problems, one a line; empty when ready.
  [[nodiscard]] std::string Problems() const;
};

Readiness JudgeReadiness(const ReadinessFacts& facts);

}  // namespace aiflow::server
