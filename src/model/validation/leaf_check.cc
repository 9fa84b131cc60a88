#include "model/validation/leaf_check.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/event_keys.h"
#include "model/json_pointer.h"
#include "model/limits.h"
#include "model/spec_json.h"

namespace aiflow::validation {
namespace {

using Json = nlohmann::json;

/// Whether the number, or the text that reads as one, is in the filter's range.
bool IsInRange(const FilterSpec& filter, Json value) {
  if (!filter.pointer.has_value() && value.is_string()) {
    value = Json::parse(value.get_ref<const std::string&>(), nullptr, /*allow_exceptions=*/false);
  }
  if (!value.is_number()) return false;
  const double number = value.get<double>();
  return number >= filter.min.value_or(number) && number <= filter.max.value_or(number);
}

void CheckFilter(const std::string& subject, const FilterSpec& filter, Problems& problems) {
  const bool has_range = filter.min.has_value() || filter.max.has_value();
  if (filter.one_of.empty() && !has_range) {
    problems.Add(subject + " demands nothing: give equals, one_of, min or max");
  }
  if (filter.one_of.size() > limits::kMaxFilterValues) {
    problems.Add(subject + " has " + std::to_string(filter.one_of.size()) +
                 " values, the limit is " + std::to_string(limits::kMaxFilterValues));
  }
  if (filter.pointer.has_value()) {
    if (filter.field == FilterField::kSender) {
      problems.Add(subject + " has a pointer into the sender, which is a plain text");
    }
    if (!IsJsonPointer(*filter.pointer)) {
      problems.Add(
          subject + ": '" + *filter.pointer +
          "' is not a JSON Pointer: it is empty or begins with '/', and '~' is written ~0, "
          "'/' in a name ~1");
    }
    if (filter.pointer->size() > limits::kMaxEventKeyBytes) {
      problems.Add(subject + " has a pointer of " + std::to_string(filter.pointer->size()) +
                   " bytes, the limit is " + std::to_string(limits::kMaxEventKeyBytes));
    }
  }
  bool any_in_range = false;
  for (const std::string& text : filter.one_of) {
    Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (value.is_discarded()) {
      return problems.Add(subject + " has the value '" + text + "', which is not JSON");
    }
    if (!filter.pointer.has_value() && !value.is_string() && !value.is_number()) {
      problems.Add(subject + " can never equal " + text +
                   ": a whole field is a text or a number; write it as a text, or give a pointer "
                   "(\"\" is the whole field read as JSON)");
    }
    any_in_range = any_in_range || IsInRange(filter, std::move(value));
  }
  // The comparison is false for what is not a number, too.
  if (filter.min.has_value() && filter.max.has_value() && !(*filter.min <= *filter.max)) {
    problems.Add(subject + ": min is greater than max");
  } else if (has_range && !filter.one_of.empty() && !any_in_range) {
    problems.Add(subject + " can never be met: none of its values is within min and max");
  }
}

}  // namespace

void CheckEventKey(const std::string& subject, const std::string& key, Problems& problems) {
  if (key.empty()) return problems.Add(subject + " has an empty event key");
  if (key.size() > limits::kMaxEventKeyBytes) {
    problems.Add(subject + " has an event key of " + std::to_string(key.size()) +
                 " bytes, the limit is " + std::to_string(limits::kMaxEventKeyBytes));
  }
  if (key == kSchedulingEventKey) {
    problems.Add(subject + " listens to " + key + ", which never reaches rules");
  }
}

void CheckEventLeaf(const std::string& subject, const ConditionSpec& leaf, Problems& problems) {
  CheckEventKey(subject, leaf.key, problems);
  if (leaf.scope != EventScope::kAny && leaf.key.starts_with(kStatusChangedKeyPrefix)) {
    problems.Add(subject + " has a scope for the status of a task, which has none: leave it out");
  }
  if (leaf.filters.size() > limits::kMaxFiltersPerCondition) {
    problems.Add(subject + " has " + std::to_string(leaf.filters.size()) +
                 " filters, the limit is " + std::to_string(limits::kMaxFiltersPerCondition));
  }
  for (size_t i = 0; i < leaf.filters.size(); ++i) {
    CheckFilter(subject + ", filter " + std::to_string(i + 1), leaf.filters[i], problems);
  }
}

void CheckCustomLeaf(const std::string& subject, const ConditionSpec& leaf, Problems& problems) {
  if (leaf.name.size() > limits::kMaxEventKeyBytes) {
    problems.Add(subject + " has a condition with a name of " + std::to_string(leaf.name.size()) +
                 " bytes, the limit is " + std::to_string(limits::kMaxEventKeyBytes));
  }
  const std::string condition = subject + ", condition '" + leaf.name.substr(0, 100) + "',";
  if (leaf.event_keys.empty()) {
    problems.Add(condition + " listens to no event: name its event keys");
  }
  if (leaf.event_keys.size() > limits::kMaxEventKeysPerCondition) {
    problems.Add(condition + " listens to " + std::to_string(leaf.event_keys.size()) +
                 " event keys, the limit is " + std::to_string(limits::kMaxEventKeysPerCondition));
  }
  for (const std::string& key : leaf.event_keys) CheckEventKey(condition, key, problems);
}

void CheckStatusLeaf(const std::string& subject, const ConditionSpec& leaf, Problems& problems) {
  if (!IsAnnounced(leaf.status)) {
    problems.Add(subject + " waits for status " + std::string(TaskStatusName(leaf.status)) +
                 ", which is never announced (RUNNING, SUCCESS, FAILED, STOPPED, RETRYING are)");
  }
  problems.AddError(subject + ": ", ValidateName("namespace", leaf.ns));
  problems.AddError(subject + ": ", ValidateName("workflow name", leaf.workflow));
  problems.AddError(subject + ": ", ValidateName("task name", leaf.task));
}

}  // namespace aiflow::validation
