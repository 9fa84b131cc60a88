#include "base/check.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace aiflow::internal {

CheckFailure::CheckFailure(const char* file, int line, const char* condition) {
  message_ << file << ":" << line << ": CHECK(" << condition << ") failed: ";
}

CheckFailure::~CheckFailure() {
  const std::string text = message_.str() + "\n";
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
  std::abort();
}

}  // namespace aiflow::internal
