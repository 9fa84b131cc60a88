#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace aiflow::validation {

/// Collects what is wrong or doubtful in one specification. Texts are one line each and begin with
/// their subject. The first kMaxReportedProblems of each kind are kept, the rest is counted.
class Problems {
 public:
  void Add(std::string text);
  void Warn(std::string text);
  /// Adds the message of an error after `prefix`.
  void AddError(const std::string& prefix, const Status& status);

  [[nodiscard]] bool empty() const { return problems_ == 0; }
  /// OK, or kInvalidArgument: "SUBJECT is refused:" and a line for each problem.
  [[nodiscard]] Status ToStatus(const std::string& subject) const;
  [[nodiscard]] std::vector<std::string> warnings() const;

 private:
  size_t problems_ = 0;
  size_t doubts_ = 0;
  std::vector<std::string> problem_texts_;
  std::vector<std::string> doubt_texts_;
};

bool HasNul(std::string_view text);

/// "SUBJECT: WHAT VALUE is not between LEAST and MOST", when it is not.
void CheckRange(const std::string& subject, const char* what, int64_t value, int64_t least,
                int64_t most, Problems& problems);

}  // namespace aiflow::validation
