#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/spec_problems.h"

namespace aiflow::validation {

/// Collects what is wrong or doubtful in one specification. Texts are one line each and begin with
/// their subject. The first kMaxReportedProblems of each kind are kept, the rest is counted.
class Problems {
 public:
  /// What is added from now on is about this task, or this rule of it, or (neither) the workflow.
  void About(std::optional<size_t> task, std::optional<size_t> rule = std::nullopt);
  void Add(std::string text);
  void Warn(std::string text);
  /// Adds the message of an error after `prefix`.
  void AddError(const std::string& prefix, const Status& status);

  [[nodiscard]] bool empty() const { return problems_ == 0; }
  /// OK, or kInvalidArgument: "SUBJECT is refused:" and a line for each problem.
  [[nodiscard]] Status ToStatus(const std::string& subject) const;
  [[nodiscard]] std::vector<std::string> warnings() const;
  /// In the order in which they were added; more than were kept are one without a place.
  [[nodiscard]] std::vector<SpecProblem> problems() const;

 private:
  size_t problems_ = 0;
  size_t doubts_ = 0;
  std::optional<size_t> task_;
  std::optional<size_t> rule_;
  std::vector<SpecProblem> kept_;
  std::vector<std::string> doubt_texts_;
};

bool HasNul(std::string_view text);

/// "SUBJECT: WHAT VALUE is not between LEAST and MOST", when it is not.
void CheckRange(const std::string& subject, const char* what, int64_t value, int64_t least,
                int64_t most, Problems& problems);

}  // namespace aiflow::validation
