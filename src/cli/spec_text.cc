#include "cli/spec_text.h"

#include <nlohmann/json.hpp>

namespace aiflow::cli {
namespace {

using Json = nlohmann::json;

std::string Text(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string Shown(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string FilterText(const Json& filter) {
  if (!filter.is_object()) return "?";
  std::string text = Text(filter, "field");
  if (filter.contains("pointer")) text += " " + Text(filter, "pointer");
  const char* separator = " ";
  const auto add = [&](const char* member, const char* word) {
    if (!filter.contains(member)) return;
    text += separator + std::string(word) + " " + Shown(filter[member]);
    separator = " and ";
  };
  // One value is an equality, however it is written.
  if (const auto values = filter.find("one_of");
      values != filter.end() && values->is_array() && values->size() == 1) {
    text += " = " + Shown(values->front());
    separator = " and ";
  } else {
    add("one_of", "in");
  }
  add("equals", "=");
  add("min", ">=");
  add("max", "<=");
  return text;
}

std::string EventText(const Json& condition) {
  std::string text = "event " + Text(condition, "key");
  const char* separator = " (";
  const std::string scope = Text(condition, "scope");
  if (scope == "execution" || scope == "namespace") {
    text += separator + ("scope " + scope);
    separator = " and ";
  }
  if (const auto filters = condition.find("filters"); filters != condition.end()) {
    for (const Json& filter : *filters) {
      text += separator + FilterText(filter);
      separator = " and ";
    }
  }
  return separator[1] == '(' ? text : text + ")";
}

// `full`: with namespace and workflow of watched tasks.
std::string ConditionText(const Json& condition, bool full) {
  if (!condition.is_object()) return "?";
  const std::string type = Text(condition, "type");
  if (type == "event") return EventText(condition);
  if (type == "task_status") {
    const std::string where =
        full ? Text(condition, "namespace") + "." + Text(condition, "workflow") + "." : "";
    return "task " + where + Text(condition, "task") + " being " + Text(condition, "status");
  }
  if (type == "custom") return "custom condition " + Text(condition, "name");
  std::string text = (type == "any_of" ? "any of (" : "all of (");
  const char* separator = "";
  if (const auto children = condition.find("conditions"); children != condition.end()) {
    for (const Json& child : *children) {
      text += separator + ConditionText(child, full);
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

std::string DescribeCondition(const std::string& condition_json) {
  return ConditionText(Json::parse(condition_json, nullptr, /*allow_exceptions=*/false),
                       /*full=*/true);
}

std::string DescribeRule(const std::string& rule_json) {
  const Json rule = Json::parse(rule_json, nullptr, /*allow_exceptions=*/false);
  if (!rule.is_object() || !rule.contains("condition")) return "?";
  return Text(rule, "action") + " on " + ConditionText(rule["condition"], /*full=*/false);
}

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
      AppendLine(&text.rules, name + ": " + DescribeRule(Shown(rule)));
    }
  }
  return text;
}

}  // namespace aiflow::cli
