#include "model/spec_json/condition_json.h"

#include <utility>

#include "model/limits.h"

namespace aiflow::spec_json {
namespace {

FilterSpec ReadFilter(const Json& json, const std::string& path, Status& status) {
  FilterSpec filter;
  ObjectReader reader(json, path, status);
  reader.Enum("field", kFilterFields, filter.field, /*required=*/true);
  if (const Json* pointer = reader.Take("pointer")) {
    if (!pointer->is_string()) {
      reader.Fail(reader.Path("pointer"), "must be a string", *pointer);
    } else {
      filter.pointer = pointer->get<std::string>();
    }
  }
  const Json* equals = reader.Take("equals");
  if (equals != nullptr) filter.one_of.push_back(Text(*equals));
  reader.Array("one_of", [&filter](const Json& value, const std::string& /*path*/) {
    filter.one_of.push_back(Text(value));
  });
  if (json.contains("one_of") && (equals != nullptr || filter.one_of.empty())) {
    reader.Fail(reader.Path("one_of"),
                equals != nullptr ? "stands beside equals: give one of them" : "must not be empty",
                json["one_of"]);
  }
  reader.Number("min", filter.min);
  reader.Number("max", filter.max);
  reader.RefuseOthers();
  return filter;
}

OrderedJson WriteFilter(const FilterSpec& filter) {
  OrderedJson json;
  json["field"] = NameOf(kFilterFields, filter.field);
  if (filter.pointer.has_value()) json["pointer"] = *filter.pointer;
  if (!filter.one_of.empty()) {
    json["one_of"] = OrderedJson::array();
    for (const std::string& value : filter.one_of) json["one_of"].push_back(Parsed(value));
  }
  if (filter.min.has_value()) json["min"] = *filter.min;
  if (filter.max.has_value()) json["max"] = *filter.max;
  return json;
}

}  // namespace

ConditionSpec ReadCondition(const Json& json, const std::string& path, size_t depth,
                            Status& status) {
  ConditionSpec condition;
  ObjectReader reader(json, path, status);
  if (depth > limits::kMaxConditionDepth) {
    reader.Fail(path, "is nested deeper than " + std::to_string(limits::kMaxConditionDepth), json);
    return condition;
  }
  reader.Enum("type", kConditions, condition.kind, /*required=*/true);
  if (!status.ok()) return condition;
  switch (condition.kind) {
    case ConditionKind::kEvent:
      reader.String("key", condition.key, /*required=*/true);
      reader.Enum("scope", kScopes, condition.scope);
      reader.Array("filters", [&](const Json& filter, const std::string& filter_path) {
        condition.filters.push_back(ReadFilter(filter, filter_path, status));
      });
      break;
    case ConditionKind::kTaskStatus:
      reader.String("namespace", condition.ns, /*required=*/true);
      reader.String("workflow", condition.workflow, /*required=*/true);
      reader.String("task", condition.task, /*required=*/true);
      reader.Enum("status", kStatuses, condition.status, /*required=*/true);
      break;
    case ConditionKind::kCustom:
      reader.String("name", condition.name, /*required=*/true);
      reader.Array(
          "event_keys",
          [&](const Json& key, const std::string& key_path) {
            if (!key.is_string()) return reader.Fail(key_path, "must be a string", key);
            condition.event_keys.push_back(key.get<std::string>());
          },
          /*required=*/true);
      break;
    case ConditionKind::kAllOf:
      reader.String("name", condition.name, /*required=*/true);
      [[fallthrough]];
    case ConditionKind::kAnyOf:
    case ConditionKind::kAllTaskStatus:
      reader.Array(
          "conditions",
          [&](const Json& child, const std::string& child_path) {
            condition.children.push_back(ReadCondition(child, child_path, depth + 1, status));
          },
          /*required=*/true);
      break;
  }
  reader.RefuseOthers();
  return condition;
}

OrderedJson WriteCondition(const ConditionSpec& condition) {
  OrderedJson json;
  json["type"] = NameOf(kConditions, condition.kind);
  switch (condition.kind) {
    case ConditionKind::kEvent:
      json["key"] = condition.key;
      if (condition.scope != EventScope::kAny) json["scope"] = NameOf(kScopes, condition.scope);
      if (!condition.filters.empty()) {
        json["filters"] = OrderedJson::array();
        for (const FilterSpec& filter : condition.filters) {
          json["filters"].push_back(WriteFilter(filter));
        }
      }
      break;
    case ConditionKind::kTaskStatus:
      json["namespace"] = condition.ns;
      json["workflow"] = condition.workflow;
      json["task"] = condition.task;
      json["status"] = NameOf(kStatuses, condition.status);
      break;
    case ConditionKind::kCustom:
      json["name"] = condition.name;
      json["event_keys"] = condition.event_keys;
      break;
    case ConditionKind::kAllOf: json["name"] = condition.name; [[fallthrough]];
    case ConditionKind::kAnyOf:
    case ConditionKind::kAllTaskStatus:
      json["conditions"] = OrderedJson::array();
      for (const ConditionSpec& child : condition.children) {
        json["conditions"].push_back(WriteCondition(child));
      }
      break;
  }
  return json;
}

}  // namespace aiflow::spec_json
