#pragma once

#include <string>

#include "model/ids.h"

namespace aiflow {

/// Names one attempt for ever: (workflow execution, task, sequence number, try number).
/// Names are replaced by indexes of the execution's snapshot, so the text form is safe in paths.
struct AttemptKey {
  ExecutionId execution;
  TaskIndex task = 0;
  int64_t sequence = 0;
  int64_t try_number = 1;

  /// "17-2-1-1".
  [[nodiscard]] std::string ToString() const;

  friend auto operator<=>(const AttemptKey&, const AttemptKey&) = default;
};

}  // namespace aiflow
