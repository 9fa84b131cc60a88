#pragma once

#include <stdexcept>

namespace aiflow {

/// Thrown by the code of a task: it failed, and trying it again would not help. The task is FAILED
/// at once, whatever its retries say.
class NonRetriableError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace aiflow
