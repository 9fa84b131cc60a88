#include "model/attempt_key.h"

namespace aiflow {

std::string AttemptKey::ToString() const {
  return std::to_string(execution.value()) + "-" + std::to_string(task) + "-" +
         std::to_string(sequence) + "-" + std::to_string(try_number);
}

}  // namespace aiflow
