#pragma once

#include <string>

#include "base/status.h"
#include "engine/condition_evaluator.h"
#include "hosts/host_process.h"

namespace aiflow::hosts {

/// Knows where code is on this machine. Called by the pool's thread only; may take as long as the
/// unpacking of a bundle.
class HostPlanner {
 public:
  virtual ~HostPlanner() = default;

  /// How the host of a question is started. An error is an answer: trying again would not help.
  virtual Result<HostCommand> Plan(const ConditionQuestion& question) = 0;
  /// The bytes of a trigger's rule.
  virtual Result<std::string> ReadPickled(const std::string& digest) = 0;
};

}  // namespace aiflow::hosts
