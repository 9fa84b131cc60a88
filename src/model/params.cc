#include "model/params.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "base/nearest.h"
#include "model/json_depth.h"
#include "model/limits.h"

namespace aiflow {
namespace {

using Json = nlohmann::json;

std::string Text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// For messages.
std::string Shown(std::string text) {
  constexpr size_t kShown = 60;
  if (text.size() > kShown) text = text.substr(0, kShown) + "...";
  // A cut character, and bytes that are no text, are replaced.
  text = Text(Json(text));
  return text.substr(1, text.size() - 2);
}

std::string Named(std::string_view name) { return "parameter '" + Shown(std::string(name)) + "'"; }

std::string_view Expected(ParamType type) {
  switch (type) {
    case ParamType::kString: return "a string without NUL";
    case ParamType::kInteger: return "an integer of 64 bits";
    case ParamType::kNumber: return "a number";
    case ParamType::kBoolean: return "true or false";
    case ParamType::kJson: return "a JSON value";
  }
  return "";
}

bool IsOfType(ParamType type, const Json& value) {
  switch (type) {
    // Tasks get it in their environment, where no NUL can be.
    case ParamType::kString:
      return value.is_string() &&
             value.get_ref<const std::string&>().find('\0') == std::string::npos;
    case ParamType::kInteger:
      return value.is_number_integer() &&
             (!value.is_number_unsigned() || value.get<uint64_t>() <= INT64_MAX);
    case ParamType::kNumber: return value.is_number();
    case ParamType::kBoolean: return value.is_boolean();
    case ParamType::kJson: return true;
  }
  return false;
}

Status WrongType(const ParamSpec& param, const std::string& got) {
  return {Code::kInvalidArgument, Named(param.name) + " must be " +
                                      std::string(Expected(param.type)) + ", got " + Shown(got)};
}

Status TooLarge(size_t bytes) {
  return {Code::kInvalidArgument, "parameters have " + std::to_string(bytes) +
                                      " bytes, the limit is " +
                                      std::to_string(limits::kMaxParamsBytes)};
}

Result<Json> ParseGiven(std::string_view given_json) {
  if (given_json.empty()) return Json::object();
  if (given_json.size() > limits::kMaxParamsBytes) return Error(TooLarge(given_json.size()));
  if (IsDeeperJson(given_json, limits::kMaxParamsDepth)) {
    return Error(Code::kInvalidArgument, "parameters are nested deeper than " +
                                             std::to_string(limits::kMaxParamsDepth) + " levels");
  }
  Json given = Json::parse(given_json, nullptr, /*allow_exceptions=*/false);
  if (!given.is_object()) {
    return Error(Code::kInvalidArgument,
                 "parameters must be a JSON object, got " + Shown(std::string(given_json)));
  }
  return given;
}

Status NotDeclared(const std::vector<ParamSpec>& params, const std::string& name) {
  std::string text = Named(name) + " is not declared by the workflow";
  if (params.empty()) {
    return {Code::kInvalidArgument, std::move(text) + ", which declares none"};
  }
  if (name.size() > limits::kMaxNameBytes) return {Code::kInvalidArgument, std::move(text)};
  std::vector<std::string> names;
  for (const ParamSpec& param : params) names.push_back(param.name);
  const std::string nearest = Nearest(name, names);
  if (!nearest.empty()) text += "; did you mean '" + nearest + "'?";
  return {Code::kInvalidArgument, std::move(text)};
}

}  // namespace

Result<std::string> ResolveParams(const std::vector<ParamSpec>& params,
                                  std::string_view given_json) {
  Result<Json> given = ParseGiven(given_json);
  if (!given.has_value()) return Error(given.error());
  Json resolved = Json::object();
  std::string missing;
  for (const ParamSpec& param : params) {
    const auto found = given->find(param.name);
    if (found != given->end()) {
      if (!IsOfType(param.type, *found)) return Error(WrongType(param, Text(*found)));
      resolved[param.name] = std::move(*found);
      given->erase(found);
    } else if (!param.default_json.empty()) {
      resolved[param.name] = Json::parse(param.default_json, nullptr, /*allow_exceptions=*/false);
    } else {
      missing += (missing.empty() ? "'" : ", '") + param.name + "'";
    }
  }
  if (!given->empty()) return Error(NotDeclared(params, given->begin().key()));
  if (!missing.empty()) {
    return Error(Code::kInvalidArgument,
                 "no value is given for the parameters without default: " + missing);
  }
  if (params.empty()) return std::string();
  std::string text = Text(resolved);
  if (text.size() > limits::kMaxParamsBytes) return Error(TooLarge(text.size()));
  return text;
}

Status CheckParams(std::string_view given_json) {
  const Result<Json> given = ParseGiven(given_json);
  return given.has_value() ? Status::Ok() : given.error();
}

Result<std::string> ParamFromText(const ParamSpec& param, std::string_view text) {
  const std::string given(text);
  if (given.size() > limits::kMaxParamsBytes) return Error(TooLarge(given.size()));
  if (param.type == ParamType::kString) {
    const Json value(given);
    std::string json = Text(value);
    // Bytes that are no UTF-8 were replaced.
    if (!IsOfType(param.type, value) || Json::parse(json) != value) {
      return Error(WrongType(param, given));
    }
    return json;
  }
  if (IsDeeperJson(given, limits::kMaxParamsDepth)) return Error(WrongType(param, given));
  const Json value = Json::parse(given, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded() || !IsOfType(param.type, value)) return Error(WrongType(param, given));
  return Text(value);
}

}  // namespace aiflow
