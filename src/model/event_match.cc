#include "model/event_match.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/json_pointer.h"
#include "model/requests.h"

namespace aiflow {
namespace {

using Json = nlohmann::json;

bool IsMet(const FilterSpec& filter, const Json& value) {
  if (!filter.one_of.empty() &&
      std::none_of(filter.one_of.begin(), filter.one_of.end(), [&value](const std::string& text) {
        return Json::parse(text, nullptr, /*allow_exceptions=*/false) == value;
      })) {
    return false;
  }
  if (!filter.min.has_value() && !filter.max.has_value()) return true;
  if (!value.is_number()) return false;
  const double number = value.get<double>();
  return (!filter.min.has_value() || number >= *filter.min) &&
         (!filter.max.has_value() || number <= *filter.max);
}

/// A whole text as a value: itself, and its number for a range.
bool IsMetByText(const FilterSpec& filter, const std::string& text) {
  FilterSpec equal = filter;
  equal.min.reset();
  equal.max.reset();
  const Json number = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const bool is_number = !number.is_discarded() && number.is_number();
  if (!IsMet(equal, Json(text)) && !(is_number && IsMet(equal, number))) return false;
  if (!filter.min.has_value() && !filter.max.has_value()) return true;
  FilterSpec range = filter;
  range.one_of.clear();
  return is_number && IsMet(range, number);
}

}  // namespace

struct EventFields::Parsed {
  std::optional<Json> value;
  std::optional<Json> context;
};

EventFields::EventFields(const Event& event) : event_(event) {}
EventFields::~EventFields() = default;

bool EventFields::Meets(const std::vector<FilterSpec>& filters) const {
  if (filters.empty()) return true;
  if (parsed_ == nullptr) parsed_ = std::make_unique<Parsed>();
  const auto document = [](std::optional<Json>& slot, const std::string& text) -> const Json& {
    if (!slot.has_value()) slot = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    return *slot;
  };
  return std::all_of(filters.begin(), filters.end(), [&](const FilterSpec& filter) {
    const std::string& text = filter.field == FilterField::kValue     ? event_.value
                              : filter.field == FilterField::kContext ? event_.context
                                                                      : event_.sender;
    if (!filter.pointer.has_value()) return IsMetByText(filter, text);
    if (filter.field == FilterField::kSender) return false;
    const Json& json =
        document(filter.field == FilterField::kValue ? parsed_->value : parsed_->context, text);
    const Json* at = AtPointer(json, *filter.pointer);
    return at != nullptr && IsMet(filter, *at);
  });
}

bool EventFields::IsWithin(EventScope scope) const {
  if (scope == EventScope::kAny) return true;
  const bool confined = ExecutionOf(event_, nullptr).has_value();
  return confined == (scope == EventScope::kExecution);
}

}  // namespace aiflow
