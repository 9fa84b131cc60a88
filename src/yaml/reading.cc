#include "yaml/reading.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "model/limits.h"

namespace aiflow::yaml {
namespace {

using Json = nlohmann::json;

struct Unit {
  std::string_view name;
  int64_t millis;
};
constexpr std::array<Unit, 5> kUnits = {
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

/// The number that begins `text`, taken off it: digits, and perhaps a dot and digits.
std::optional<double> TakeNumber(std::string_view& text) {
  const size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  double number = 0;
  const auto [stop, error] =
      std::from_chars(text.data(), text.data() + end, number, std::chars_format::fixed);
  if (error != std::errc() || stop != text.data() + end) return std::nullopt;
  text.remove_prefix(end);
  return number;
}

std::optional<double> TakeUnit(std::string_view& text) {
  const size_t end = std::min(text.find_first_not_of("dhms"), text.size());
  for (const Unit& unit : kUnits) {
    if (text.substr(0, end) != unit.name) continue;
    text.remove_prefix(end);
    return static_cast<double>(unit.millis);
  }
  return std::nullopt;
}

/// Milliseconds; nothing when the text is no duration.
std::optional<double> ParseDuration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  double total = 0;
  double last_unit = INFINITY;
  bool first = true;
  while (!text.empty()) {
    const std::optional<double> number = TakeNumber(text);
    if (!number.has_value()) return std::nullopt;
    if (first && text.empty()) return *number * 1000;
    const std::optional<double> unit = TakeUnit(text);
    // Units get smaller, so that none comes twice.
    if (!unit.has_value() || *unit >= last_unit) return std::nullopt;
    last_unit = *unit;
    total += *number * *unit;
    first = false;
  }
  return total;
}

Json ToJson(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull: return nullptr;
    case Node::Kind::kScalar: {
      if (node.quoted) return node.text;
      Json value = Json::parse(node.text, nullptr, /*allow_exceptions=*/false);
      return value.is_number() || value.is_boolean() ? value : Json(node.text);
    }
    case Node::Kind::kSequence: {
      Json array = Json::array();
      for (const Node::Ptr& item : node.items) array.push_back(ToJson(*item));
      return array;
    }
    case Node::Kind::kMapping: {
      Json object = Json::object();
      for (const auto& [key, value] : node.members) object[key->text] = ToJson(*value);
      return object;
    }
  }
  return nullptr;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

void Problems::Add(Position at, const std::string& what) {
  if (++count_ > limits::kMaxReportedProblems) return;
  texts_.push_back(file_ + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " +
                   what);
}

Status Problems::ToStatus() const {
  std::string text;
  for (const std::string& problem : texts_) text += (text.empty() ? "" : "\n") + problem;
  if (count_ > texts_.size()) {
    text += "\nand " + std::to_string(count_ - texts_.size()) + " more problems";
  }
  return {Code::kInvalidArgument, std::move(text)};
}

void AddUnknownKey(const Node& key, const std::string& what, const std::vector<std::string>& known,
                   Problems& problems) {
  const std::string nearest = Nearest(key.text.substr(0, limits::kMaxNameBytes), known);
  problems.Add(key.at, what + " has no key " + Shown(key) + "; " +
                           (nearest.empty() ? "it may have " + Joined(known)
                                            : "did you mean \"" + nearest + "\"?"));
}

std::string Shown(const Node& node) {
  constexpr size_t kShown = 60;
  switch (node.kind) {
    case Node::Kind::kNull: return "nothing";
    case Node::Kind::kSequence: return "a list";
    case Node::Kind::kMapping: return "a mapping";
    case Node::Kind::kScalar: break;
  }
  const std::string text =
      node.text.size() > kShown ? node.text.substr(0, kShown) + "..." : node.text;
  // As JSON, so that it stays one line; a character that was cut is replaced.
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void ReadText(const Node& node, std::string& text, Reading& reading) {
  if (node.kind != Node::Kind::kScalar) {
    return reading.problems.Add(node.at, "must be a text, got " + Shown(node));
  }
  text = node.text;
}

void ReadBool(const Node& node, bool& value, Reading& reading) {
  if (node.kind != Node::Kind::kScalar || node.quoted ||
      (node.text != "true" && node.text != "false")) {
    return reading.problems.Add(node.at, "must be true or false, got " + Shown(node));
  }
  value = node.text == "true";
}

void ReadInteger(const Node& node, int64_t& value, Reading& reading) {
  const Json json = node.kind == Node::Kind::kScalar ? ToJson(node) : Json();
  if (!json.is_number_integer() ||
      (json.is_number_unsigned() && json.get<uint64_t>() > INT64_MAX)) {
    return reading.problems.Add(node.at, "must be an integer, got " + Shown(node));
  }
  value = json.get<int64_t>();
}

void ReadNumber(const Node& node, std::optional<double>& value, Reading& reading) {
  const Json json = node.kind == Node::Kind::kScalar ? ToJson(node) : Json();
  if (!json.is_number()) {
    return reading.problems.Add(node.at, "must be a number, got " + Shown(node));
  }
  value = json.get<double>();
}

void ReadDuration(const Node& node, Millis& value, Reading& reading) {
  const std::optional<double> millis =
      node.kind == Node::Kind::kScalar ? ParseDuration(node.text) : std::nullopt;
  if (!millis.has_value()) {
    return reading.problems.Add(
        node.at,
        "must be a duration such as 90s, 5m or 1h30m, or a number of seconds, got " + Shown(node));
  }
  if (*millis > static_cast<double>(limits::kMaxDurationMs)) {
    return reading.problems.Add(node.at, Shown(node) + " is more than the limit of " +
                                             std::to_string(limits::kMaxDurationMs / 86'400'000) +
                                             " days");
  }
  value = Millis(std::llround(*millis));
}

std::string JsonText(const Node& node) {
  return ToJson(node).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void AddNotOneOf(const Node& node, const std::vector<std::string>& known, Problems& problems) {
  std::string text = "must be one of " + Joined(known) + ", got " + Shown(node);
  if (node.kind == Node::Kind::kScalar) {
    const std::string nearest = Nearest(node.text.substr(0, limits::kMaxNameBytes), known);
    if (!nearest.empty()) text += "; did you mean \"" + nearest + "\"?";
  }
  problems.Add(node.at, text);
}

}  // namespace aiflow::yaml
