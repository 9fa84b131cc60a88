#pragma once

#include <sstream>

namespace aiflow::internal {

/// Collects the message of a failed CHECK and ends the process when destroyed.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition);
  [[noreturn]] ~CheckFailure();
  CheckFailure(const CheckFailure&) = delete;
  CheckFailure& operator=(const CheckFailure&) = delete;

  std::ostream& stream() { return message_; }

 private:
  std::ostringstream message_;
};

}  // namespace aiflow::internal

/// States what a bug would break; on in every build. The durable log makes the crash safe.
#define CHECK(condition)                                                            \
  for (bool check_ok_ = static_cast<bool>(condition); !check_ok_; check_ok_ = true) \
  ::aiflow::internal::CheckFailure(__FILE__, __LINE__, #condition).stream()
