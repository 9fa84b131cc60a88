#include "cli/trigger_text.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <tuple>

#include "model/spec_json.h"

namespace aiflow::cli {
namespace {

using Json = nlohmann::ordered_json;

Result<std::string> ReadCondition(const std::string& text) {
  if (text.find('{') != std::string::npos) return text;
  std::ifstream file(text, std::ios::binary);
  std::ostringstream content;
  if (!file || !(content << file.rdbuf())) {
    return Error(Code::kNotFound, "--condition " + text + ": there is no such file");
  }
  return content.str();
}

// {"field": ..., "pointer": ..., "equals": ...}; what is no JSON is a string.
Result<Json> MemberFilter(const char* option, const char* field, const std::string& word) {
  const size_t equals = word.find('=');
  if (equals == std::string::npos || (equals > 0 && word[0] != '/')) {
    return Error(Code::kInvalidArgument,
                 std::string(option) + " " + word + ": is not /POINTER=JSON");
  }
  const std::string text = word.substr(equals + 1);
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) value = text;
  return Json{{"field", field}, {"pointer", word.substr(0, equals)}, {"equals", value}};
}

Result<Json> EventCondition(const TriggerWords& words) {
  Json filters = Json::array();
  for (const std::string& value : words.value) {
    filters.push_back({{"field", "value"}, {"equals", value}});
  }
  for (const auto& [option, field, list] :
       {std::tuple("--value-member", "value", &words.value_members),
        std::tuple("--context", "context", &words.context)}) {
    for (const std::string& word : *list) {
      Result<Json> filter = MemberFilter(option, field, word);
      if (!filter) return filter;
      filters.push_back(*std::move(filter));
    }
  }
  Json condition = {{"type", "event"}, {"key", words.event}};
  if (!filters.empty()) condition["filters"] = filters;
  return condition;
}

}  // namespace

Result<std::string> TriggerCondition(const TriggerWords& words) {
  std::string text;
  if (words.condition.empty()) {
    const Result<Json> condition = EventCondition(words);
    if (!condition) return Error(condition.error());
    text = condition->dump(-1, ' ', false, Json::error_handler_t::replace);
  } else {
    const Result<std::string> given = ReadCondition(words.condition);
    if (!given) return given;
    text = *given;
  }
  const auto parsed = ParseCondition(text);
  if (!parsed) return Error(parsed.error());
  return FormatCondition(*parsed);
}

}  // namespace aiflow::cli
