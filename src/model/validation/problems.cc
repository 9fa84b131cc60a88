#include "model/validation/problems.h"

#include <utility>

#include "model/limits.h"

namespace aiflow::validation {

void Problems::About(std::optional<size_t> task, std::optional<size_t> rule) {
  task_ = task;
  rule_ = rule;
}

void Problems::Add(std::string text) {
  if (++problems_ > limits::kMaxReportedProblems) return;
  kept_.push_back({std::move(text), task_, rule_});
}

void Problems::Warn(std::string text) {
  if (++doubts_ <= limits::kMaxReportedProblems) doubt_texts_.push_back(std::move(text));
}

void Problems::AddError(const std::string& prefix, const Status& status) {
  if (!status.ok()) Add(prefix + status.message());
}

Status Problems::ToStatus(const std::string& subject) const {
  if (empty()) return Status::Ok();
  std::string text = subject + " is refused:";
  for (const SpecProblem& problem : problems()) text += "\n- " + problem.text;
  return {Code::kInvalidArgument, std::move(text)};
}

std::vector<SpecProblem> Problems::problems() const {
  std::vector<SpecProblem> all = kept_;
  if (problems_ > all.size()) {
    all.push_back({"and " + std::to_string(problems_ - all.size()) + " more problems", {}, {}});
  }
  return all;
}

std::vector<std::string> Problems::warnings() const {
  std::vector<std::string> texts = doubt_texts_;
  if (doubts_ > texts.size()) {
    texts.push_back("and " + std::to_string(doubts_ - texts.size()) + " more warnings");
  }
  return texts;
}

bool HasNul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

void CheckRange(const std::string& subject, const char* what, int64_t value, int64_t least,
                int64_t most, Problems& problems) {
  if (value >= least && value <= most) return;
  problems.Add(subject + ": " + what + " " + std::to_string(value) + " is not between " +
               std::to_string(least) + " and " + std::to_string(most));
}

}  // namespace aiflow::validation
