#pragma once

#include <map>
#include <optional>
#include <string>

namespace aiflow {

/// The states of one scope while one question is answered. Single-threaded.
class ConditionStates {
 public:
  using Values = std::map<std::string, std::string>;

  explicit ConditionStates(Values values) : before_(values), now_(std::move(values)) {}

  [[nodiscard]] std::optional<std::string> Get(const std::string& name) const;
  void Put(const std::string& name, std::string bytes);
  void Clear(const std::string& name);
  /// A mistake of the condition, which is its answer then; the first one counts.
  void Fail(std::string error);

  /// What is different now; nothing: it was cleared.
  [[nodiscard]] std::map<std::string, std::optional<std::string>> Changes() const;
  /// Empty when all is well.
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  const Values before_;
  Values now_;
  std::string error_;
};

}  // namespace aiflow
