#include "server/yaml_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace aiflow::server {
namespace {

using Json = nlohmann::json;

/// Without quotes it might mean something else than with them.
bool IsPlain(const YAML::Node& node) { return node.Tag() != "!"; }

bool IsBareWord(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '/' || c == '+' || c == '-';
  });
}

std::string Quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string OneLine(const YAML::Node& node) {
  std::string text;
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return IsPlain(node) && IsBareWord(node.Scalar()) ? node.Scalar() : Quoted(node.Scalar());
    case YAML::NodeType::Sequence:
      for (const YAML::Node& item : node) text += (text.empty() ? "" : ", ") + OneLine(item);
      return "[" + text + "]";
    case YAML::NodeType::Map:
      for (const auto& entry : node) {
        text += (text.empty() ? "" : ", ") + OneLine(entry.first) + ": " + OneLine(entry.second);
      }
      return "{" + text + "}";
    default: return "null";
  }
}

Json ScalarJson(const YAML::Node& node, const std::string& text) {
  if (!IsPlain(node)) return text;
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return {};
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  const char* const last = text.data() + text.size();
  int64_t whole = 0;
  if (const auto [end, error] = std::from_chars(text.data(), last, whole);
      error == std::errc() && end == last) {
    return whole;
  }
  double number = 0;
  const bool starts_like_one =
      std::isdigit(static_cast<unsigned char>(text[0])) != 0 || text[0] == '-' || text[0] == '.';
  if (const auto [end, error] = std::from_chars(text.data(), last, number);
      starts_like_one && error == std::errc() && end == last && number - number == 0) {
    return number;
  }
  return text;
}

}  // namespace aiflow::server
