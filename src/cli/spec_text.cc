#include "cli/spec_text.h"

#include <nlohmann/json.hpp>

namespace aiflow::cli {
namespace {

using Json = nlohmann::json;

std::string Text(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string ConditionText(const Json& condition) {
  if (!condition.is_object()) return "?";
  const std::string type = Text(condition, "type");
  if (type == "event") return "event " + Text(condition, "key");
  if (type == "task_status") {
    return "task " + Text(condition, "task") + " being " + Text(condition, "status");
  }
  if (type == "custom") return "custom condition " + Text(condition, "name");
  std::string text = (type == "any_of" ? "any of (" : "all of (");
  const char* separator = "";
  if (const auto children = condition.find("conditions"); children != condition.end()) {
    for (const Json& child : *children) {
      text += separator + ConditionText(child);
      separator = ", ";
    }
  }
  return text + ")";
}

void AppendLine(std::string* text, const std::string& line) {
  if (!text->empty()) *text += '\n';
  *text += line;
}

}  // namespace

SpecText DescribeSpec(const std::string& spec_json) {
  SpecText text;
  const Json spec = Json::parse(spec_json, nullptr, /*allow_exceptions=*/false);
  if (!spec.is_object()) return text;
  if (const auto config = spec.find("config"); config != spec.end()) {
    text.config = config->dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  const auto tasks = spec.find("tasks");
  if (tasks == spec.end() || !tasks->is_array()) return text;
  for (const Json& task : *tasks) {
    if (!task.is_object()) continue;
    const std::string name = Text(task, "name");
    AppendLine(&text.tasks, name + " (" + Text(task, "operator") + ")");
    const auto rules = task.find("rules");
    if (rules == task.end()) continue;
    for (const Json& rule : *rules) {
      if (!rule.is_object() || !rule.contains("condition")) continue;
      AppendLine(&text.rules,
                 name + ": " + Text(rule, "action") + " on " + ConditionText(rule["condition"]));
    }
  }
  return text;
}

}  // namespace aiflow::cli
