#include "cli/param_text.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/nearest.h"
#include "model/params.h"

namespace aiflow::cli {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kConstant = "value:";
constexpr std::array<std::string_view, 6> kFields = {"key",    "value",  "context",
                                                     "sender", "offset", "create_time"};

tl::unexpected<Status> Wrong(const std::string& word, const std::string& what) {
  return Error(Code::kInvalidArgument, "--param " + word + ": " + what);
}

struct Word {
  const ParamSpec* param = nullptr;
  std::string text;  // after the =
};

Result<Word> ReadWord(const std::vector<ParamSpec>& params, const std::string& word) {
  const size_t equals = word.find('=');
  if (equals == std::string::npos || equals == 0) return Wrong(word, "is not NAME=VALUE");
  const std::string name = word.substr(0, equals);
  std::vector<std::string> names;
  for (const ParamSpec& param : params) {
    if (param.name == name) return Word{&param, word.substr(equals + 1)};
    names.push_back(param.name);
  }
  if (names.empty()) return Wrong(word, "the workflow declares no parameters");
  const std::string nearest = Nearest(name, names);
  if (!nearest.empty()) {
    return Wrong(word,
                 "the workflow has no parameter " + name + ". Did you mean '" + nearest + "'?");
  }
  std::string known;
  for (const std::string& other : names) known += (known.empty() ? "" : ", ") + other;
  return Wrong(word, "the workflow has no parameter " + name + "; it has " + known);
}

Result<Json> ValueOf(const ParamSpec& param, const std::string& word, const std::string& text) {
  const Result<std::string> json = ParamFromText(param, text);
  if (!json) return Wrong(word, json.error().message());
  return Json::parse(*json, nullptr, /*allow_exceptions=*/false);
}

/// Where a trigger's parameter comes from.
Result<Json> SourceOf(const ParamSpec& param, const std::string& word, const std::string& text) {
  if (text.starts_with(kConstant)) {
    return ValueOf(param, word, text.substr(kConstant.size())).map([](Json value) {
      return Json{{"value", std::move(value)}};
    });
  }
  const size_t slash = text.find('/');
  const std::string field = text.substr(0, slash);
  if (std::find(kFields.begin(), kFields.end(), field) == kFields.end()) {
    return Wrong(word,
                 "a trigger's parameter is value:TEXT, or one of key, value, context, sender, "
                 "offset, create_time of the event, with a /POINTER into JSON");
  }
  Json source = {{"field", field}};
  if (slash != std::string::npos) source["pointer"] = text.substr(slash);
  return source;
}

template <typename Read>
Result<std::string> ObjectOf(const std::vector<ParamSpec>& params,
                             const std::vector<std::string>& words, Read read) {
  if (words.empty()) return std::string();
  Json object = Json::object();
  for (const std::string& word : words) {
    const Result<Word> read_word = ReadWord(params, word);
    if (!read_word) return Error(read_word.error());
    const std::string& name = read_word->param->name;
    if (object.contains(name)) return Wrong(word, "is given twice");
    Result<Json> value = read(*read_word->param, word, read_word->text);
    if (!value) return Error(value.error());
    object[name] = *std::move(value);
  }
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Result<std::string> ParamsJson(const std::vector<ParamSpec>& params,
                               const std::vector<std::string>& words) {
  return ObjectOf(params, words, ValueOf);
}

Result<std::string> TriggerParamsJson(const std::vector<ParamSpec>& params,
                                      const std::vector<std::string>& words) {
  return ObjectOf(params, words, SourceOf);
}

}  // namespace aiflow::cli
