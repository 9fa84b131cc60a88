#include "aiflow/condition_context.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "condition_states.h"
#include "model/limits.h"

namespace aiflow {
namespace {

template <typename T>
T ReadNumber(const std::optional<std::string>& text, T otherwise) {
  if (!text.has_value()) return otherwise;
  T number{};
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  return error == std::errc() && stop == end ? number : otherwise;
}

template <typename T>
std::string NumberText(T number) {
  return nlohmann::json(number).dump();
}

}  // namespace

std::optional<std::string> ConditionStates::Get(const std::string& name) const {
  const auto found = now_.find(name);
  if (found == now_.end()) return std::nullopt;
  return found->second;
}

void ConditionStates::Put(const std::string& name, std::string bytes) {
  if (name.empty()) return Fail("a state needs a name");
  if (bytes.size() > limits::kMaxStateBytes) {
    return Fail("state '" + name + "' has " + std::to_string(bytes.size()) +
                " bytes, the limit is " + std::to_string(limits::kMaxStateBytes));
  }
  now_[name] = std::move(bytes);
}

void ConditionStates::Clear(const std::string& name) { now_.erase(name); }

void ConditionStates::Fail(std::string error) {
  if (error_.empty()) error_ = std::move(error);
}

std::map<std::string, std::optional<std::string>> ConditionStates::Changes() const {
  std::map<std::string, std::optional<std::string>> changes;
  for (const auto& [name, value] : now_) {
    const auto before = before_.find(name);
    if (before == before_.end() || before->second != value) changes[name] = value;
  }
  for (const auto& [name, value] : before_) {
    if (!now_.contains(name)) changes[name] = std::nullopt;
  }
  return changes;
}

std::optional<std::string> ValueState::Value() const { return states_->Get(name_); }
void ValueState::Update(std::string bytes) { states_->Put(name_, std::move(bytes)); }
void ValueState::Clear() { states_->Clear(name_); }
int64_t ValueState::Integer(int64_t otherwise) const { return ReadNumber(Value(), otherwise); }
double ValueState::Number(double otherwise) const { return ReadNumber(Value(), otherwise); }
void ValueState::UpdateInteger(int64_t value) { Update(NumberText(value)); }
void ValueState::UpdateNumber(double value) { Update(NumberText(value)); }

void ValueState::UpdateJson(std::string json) {
  if (!nlohmann::json::accept(json)) {
    return states_->Fail("state '" + name_ + "': the new value is not JSON");
  }
  Update(std::move(json));
}

ConditionContext::ConditionContext() = default;
ConditionContext::~ConditionContext() = default;

std::optional<TaskStatus> ConditionContext::task_status(const std::string& task) const {
  const auto found = statuses_.find(task);
  if (found == statuses_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string> ConditionContext::param(const std::string& name) const {
  const auto found = params_.find(name);
  if (found == params_.end()) return std::nullopt;
  return found->second;
}

ValueState ConditionContext::State(std::string name) { return {*states_, std::move(name)}; }

}  // namespace aiflow
