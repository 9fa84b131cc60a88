#pragma once

#include <string>
#include <utility>
#include <vector>

namespace aiflow::server {

/// One thing that the doctor has looked at. Plain value.
struct Finding {
  enum class Level { kOk, kWarning, kProblem };
  Level level = Level::kOk;
  std::string subject;  // "disk"
  std::string text;     // what it is like
  std::string advice;   // what to do; empty when fine
};

/// "ok", "warning", "problem".
inline const char* LevelName(Finding::Level level) {
  switch (level) {
    case Finding::Level::kOk: return "ok";
    case Finding::Level::kWarning: return "warning";
    case Finding::Level::kProblem: return "problem";
  }
  return "problem";
}

/// What is found, in order. One thread at a time.
class Findings {
 public:
  void Ok(std::string subject, std::string text) {
    list_.push_back({Finding::Level::kOk, std::move(subject), std::move(text), ""});
  }
  void Warning(std::string subject, std::string text, std::string advice) {
    list_.push_back(
        {Finding::Level::kWarning, std::move(subject), std::move(text), std::move(advice)});
  }
  void Problem(std::string subject, std::string text, std::string advice) {
    list_.push_back(
        {Finding::Level::kProblem, std::move(subject), std::move(text), std::move(advice)});
  }
  [[nodiscard]] std::vector<Finding> Take() { return std::move(list_); }

 private:
  std::vector<Finding> list_;
};

}  // namespace aiflow::server
