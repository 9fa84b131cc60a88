#include "model/spec_json/object_reader.h"

#include <algorithm>
#include <utility>

namespace aiflow::spec_json {

std::string Text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

OrderedJson Parsed(const std::string& text) {
  OrderedJson parsed = OrderedJson::parse(text, nullptr, /*allow_exceptions=*/false);
  return parsed.is_discarded() ? OrderedJson(text) : parsed;
}

ObjectReader::ObjectReader(const Json& json, std::string path, Status& status)
    : json_(json), path_(std::move(path)), status_(status) {
  if (!json_.is_object()) Fail(path_, "must be an object", json_);
}

const Json* ObjectReader::Take(std::string_view name, bool required) {
  taken_.push_back(name);
  if (!status_.ok()) return nullptr;
  const auto found = json_.find(name);
  if (found != json_.end()) return &*found;
  if (required) Fail(path_, "lacks the member \"" + std::string(name) + "\"", json_);
  return nullptr;
}

void ObjectReader::String(std::string_view name, std::string& value, bool required) {
  const Json* member = Take(name, required);
  if (member == nullptr) return;
  if (!member->is_string()) return Fail(Path(name), "must be a string", *member);
  value = member->get<std::string>();
}

void ObjectReader::Bool(std::string_view name, bool& value) {
  const Json* member = Take(name);
  if (member == nullptr) return;
  if (!member->is_boolean()) return Fail(Path(name), "must be true or false", *member);
  value = member->get<bool>();
}

void ObjectReader::Integer(std::string_view name, int64_t& value) {
  const Json* member = Take(name);
  if (member == nullptr) return;
  if (!member->is_number_integer() ||
      (member->is_number_unsigned() && member->get<uint64_t>() > INT64_MAX)) {
    return Fail(Path(name), "must be an integer", *member);
  }
  value = member->get<int64_t>();
}

void ObjectReader::Duration(std::string_view name, Millis& value) {
  int64_t number = value.count();
  Integer(name, number);
  value = Millis(number);
}

void ObjectReader::Number(std::string_view name, std::optional<double>& value) {
  const Json* member = Take(name);
  if (member == nullptr) return;
  if (!member->is_number()) return Fail(Path(name), "must be a number", *member);
  value = member->get<double>();
}

void ObjectReader::RefuseOthers() {
  if (!status_.ok()) return;
  for (const auto& entry : json_.items()) {
    if (std::find(taken_.begin(), taken_.end(), entry.key()) == taken_.end()) {
      return Fail(path_, "has the unknown member \"" + entry.key() + "\"", entry.value());
    }
  }
}

void ObjectReader::Fail(const std::string& path, const std::string& what, const Json& value) {
  if (!status_.ok()) return;
  std::string text = Text(value);
  constexpr size_t kShown = 60;
  if (text.size() > kShown) text = text.substr(0, kShown) + "...";
  status_ = Status(Code::kInvalidArgument, path + " " + what + ", got " + text);
}

std::string ObjectReader::Path(std::string_view name) const {
  return path_ + "." + std::string(name);
}

}  // namespace aiflow::spec_json
