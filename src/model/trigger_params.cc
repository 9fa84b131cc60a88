#include "model/trigger_params.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "model/json_depth.h"
#include "model/json_pointer.h"
#include "model/limits.h"
#include "model/params.h"

namespace aiflow {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 6> kFields = {"key",    "value",  "context",
                                                     "sender", "offset", "create_time"};

std::string Text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string Subject(const std::string& name) {
  return "params: " + Text(Json(name.substr(0, limits::kMaxNameBytes)));
}

/// What is wrong with where one parameter comes from; empty: nothing.
std::string WrongSource(const Json& source) {
  if (!source.is_object()) return "must be an object with \"value\" or \"field\"";
  const auto field = source.find("field");
  const auto pointer = source.find("pointer");
  if (source.contains("value") == (field != source.end())) {
    return "must have either \"value\" or \"field\"";
  }
  if (source.size() > (pointer == source.end() ? 1U : 2U)) {
    return "may have \"value\", or \"field\" and \"pointer\"";
  }
  if (field == source.end()) {
    return pointer == source.end() ? "" : "has a \"pointer\" without a \"field\"";
  }
  if (!field->is_string() || std::find(kFields.begin(), kFields.end(),
                                       field->get_ref<const std::string&>()) == kFields.end()) {
    return "has the field " + Text(*field).substr(0, 60) +
           ", which is none of key, value, context, sender, offset, create_time";
  }
  if (pointer == source.end()) return "";
  if (*field != "value" && *field != "context") {
    return "has a pointer into a field that is plain text; value and context may be JSON";
  }
  if (!pointer->is_string() || !IsJsonPointer(pointer->get_ref<const std::string&>())) {
    return "has a pointer that is no JSON Pointer: it is empty or begins with '/', and '~' is "
           "written ~0, '/' in a name ~1";
  }
  const size_t bytes = pointer->get_ref<const std::string&>().size();
  if (bytes > limits::kMaxEventKeyBytes) {
    return "has a pointer of " + std::to_string(bytes) + " bytes, the limit is " +
           std::to_string(limits::kMaxEventKeyBytes);
  }
  return "";
}

Json Mapping(std::string_view mapping_json) {
  return mapping_json.empty() ? Json::object() : Json::parse(mapping_json, nullptr, false);
}

std::string FieldText(const Event& event, const std::string& field) {
  if (field == "key") return event.key;
  if (field == "value") return event.value;
  if (field == "context") return event.context;
  if (field == "sender") return event.sender;
  if (field == "offset") return std::to_string(event.offset);
  return std::to_string(event.create_time.count());
}

/// The fields of one event, read as JSON at most once.
class Documents {
 public:
  explicit Documents(const Event& event) : event_(event) {}

  /// Null: it is no JSON, or one that nests too deep to be a parameter.
  const Json* Of(const std::string& field) {
    std::optional<Json>& slot = field == "value" ? value_ : context_;
    const std::string& text = field == "value" ? event_.value : event_.context;
    if (!slot.has_value()) {
      slot = IsDeeperJson(text, limits::kMaxParamsDepth)
                 ? Json(Json::value_t::discarded)
                 : Json::parse(text, nullptr, /*allow_exceptions=*/false);
    }
    return slot->is_discarded() ? nullptr : &*slot;
  }

 private:
  const Event& event_;
  std::optional<Json> value_;
  std::optional<Json> context_;
};

/// The parameter's value for `event`; what is wrong goes to `problem`.
Json ValueOf(const ParamSpec& param, const Json& source, const Event& event, Documents& documents,
             std::string& problem) {
  if (source.contains("value")) return source["value"];
  const auto& field = source["field"].get_ref<const std::string&>();
  const std::string subject = "parameter '" + param.name + "': the event's " + field;
  if (!source.contains("pointer")) {
    const Result<std::string> value = ParamFromText(param, FieldText(event, field));
    if (value.has_value()) return Json::parse(*value, nullptr, /*allow_exceptions=*/false);
    problem = subject + ": " + value.error().message();
    return nullptr;
  }
  const auto& pointer = source["pointer"].get_ref<const std::string&>();
  const Json* document = documents.Of(field);
  if (document == nullptr) {
    problem = subject + " is no JSON, or nests deeper than " +
              std::to_string(limits::kMaxParamsDepth) + " levels";
    return nullptr;
  }
  const Json* at = AtPointer(*document, pointer);
  if (at != nullptr) return *at;
  problem = subject + " has nothing at " + Text(Json(pointer));
  return nullptr;
}

}  // namespace

Result<std::string> ParseTriggerParams(std::string_view mapping_json) {
  if (mapping_json.empty()) return std::string();
  if (mapping_json.size() > limits::kMaxTriggerBytes) {
    return Error(Code::kInvalidArgument, "params: " + std::to_string(mapping_json.size()) +
                                             " bytes are over the limit of " +
                                             std::to_string(limits::kMaxTriggerBytes));
  }
  // Two levels of it are the mapping's own.
  if (IsDeeperJson(mapping_json, limits::kMaxParamsDepth + 2)) {
    return Error(Code::kInvalidArgument, "params: nested deeper than " +
                                             std::to_string(limits::kMaxParamsDepth) + " levels");
  }
  const Json mapping = Json::parse(mapping_json, nullptr, /*allow_exceptions=*/false);
  if (!mapping.is_object()) return Error(Code::kInvalidArgument, "params: must be a JSON object");
  for (const auto& [name, source] : mapping.items()) {
    if (const std::string wrong = WrongSource(source); !wrong.empty()) {
      return Error(Code::kInvalidArgument, Subject(name) + " " + wrong);
    }
  }
  return mapping.empty() ? std::string() : Text(mapping);
}

Status CheckTriggerParams(std::string_view mapping_json, const std::vector<ParamSpec>& params) {
  // What comes from a field is given, but has no value yet: its type is not checked.
  std::vector<ParamSpec> known = params;
  Json given = Json::object();
  const Json mapping = Mapping(mapping_json);
  for (const auto& [name, source] : mapping.items()) {
    given[name] = source.contains("value") ? source["value"] : Json();
    if (source.contains("value")) continue;
    for (ParamSpec& param : known) {
      if (param.name == name) param.type = ParamType::kJson;
    }
  }
  const Result<std::string> resolved = ResolveParams(known, Text(given));
  return resolved.has_value() ? Status::Ok() : resolved.error();
}

Result<std::string> MapTriggerParams(std::string_view mapping_json, const Event& event,
                                     const std::vector<ParamSpec>& params) {
  Documents documents(event);
  Json given = Json::object();
  const Json mapping = Mapping(mapping_json);
  for (const auto& [name, source] : mapping.items()) {
    const auto param = std::find_if(params.begin(), params.end(),
                                    [&name = name](const auto& p) { return p.name == name; });
    // One that is not declared is refused below.
    std::string problem;
    given[name] =
        param == params.end() ? Json() : ValueOf(*param, source, event, documents, problem);
    if (!problem.empty()) return Error(Code::kInvalidArgument, std::move(problem));
  }
  return ResolveParams(params, Text(given));
}

}  // namespace aiflow
