#include "api/condition_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

namespace aiflow::api {
namespace {

constexpr size_t kShownValues = 5;

std::string_view FieldName(FilterField field) {
  switch (field) {
    case FilterField::kValue: return "value";
    case FilterField::kContext: return "context";
    case FilterField::kSender: return "sender";
  }
  return "?";
}

std::string Number(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.15g", number);
  return text.data();
}

std::string ValuesText(const std::vector<std::string>& values) {
  if (values.size() == 1) return "= " + values.front();
  std::string text;
  for (size_t i = 0; i < std::min(values.size(), kShownValues); ++i) {
    text.append(i == 0 ? "" : ", ").append(values[i]);
  }
  return "in (" + text + (values.size() > kShownValues ? ", ...)" : ")");
}

std::string FilterText(const FilterSpec& filter) {
  std::string subject(FieldName(filter.field));
  if (filter.pointer.has_value()) subject.append(" ").append(*filter.pointer);
  std::vector<std::string> demands;
  if (!filter.one_of.empty()) demands.push_back(ValuesText(filter.one_of));
  if (filter.min.has_value()) demands.push_back(">= " + Number(*filter.min));
  if (filter.max.has_value()) demands.push_back("<= " + Number(*filter.max));
  std::string text = subject;
  for (size_t i = 0; i < demands.size(); ++i) {
    text.append(i == 0 ? " " : " and ").append(demands[i]);
  }
  if (demands.empty()) text.append(" present");
  return text;
}

}  // namespace

std::string EventText(const ConditionSpec& leaf) {
  std::vector<std::string> demands;
  if (leaf.scope == EventScope::kExecution) demands.emplace_back("of an execution");
  if (leaf.scope == EventScope::kNamespace) demands.emplace_back("to the whole namespace");
  for (const FilterSpec& filter : leaf.filters) demands.push_back(FilterText(filter));
  std::string text = "event " + leaf.key;
  for (size_t i = 0; i < demands.size(); ++i) {
    text.append(i == 0 ? " (" : " and ").append(demands[i]);
  }
  return demands.empty() ? text : text + ")";
}

std::string CustomText(const ConditionSpec& leaf) {
  std::string keys;
  for (const std::string& key : leaf.event_keys) {
    keys.append(keys.empty() ? "" : " or ").append(key);
  }
  return "condition " + leaf.name + " on event " + keys;
}

}  // namespace aiflow::api
