#include "yaml/condition_yaml.h"

#include <algorithm>
#include <array>

#include "model/limits.h"
#include "yaml/known_keys.h"

namespace aiflow::yaml {
namespace {

constexpr std::array<Key<FilterSpec>, 4> kDemandKeys = {{
    {"equals", [](const Node& node, FilterSpec& filter,
                  Reading&) { filter.one_of.push_back(JsonText(node)); }},
    {"one_of",
     [](const Node& node, FilterSpec& filter, Reading& reading) {
       if (node.kind != Node::Kind::kSequence || node.items.empty()) {
         return reading.problems.Add(node.at,
                                     "one_of must be a list of values, got " + Shown(node));
       }
       for (const Node::Ptr& item : node.items) filter.one_of.push_back(JsonText(*item));
     }},
    {"min", [](const Node& node, FilterSpec& filter,
               Reading& reading) { ReadNumber(node, filter.min, reading); }},
    {"max", [](const Node& node, FilterSpec& filter,
               Reading& reading) { ReadNumber(node, filter.max, reading); }},
}};

/// What a field, or the place in it that a pointer leads to, must be: a value, a list of allowed
/// values, or a mapping of equals, one_of, min, max.
void ReadDemand(const Node& node, FilterSpec filter, ConditionSpec& leaf, Reading& reading) {
  if (node.kind == Node::Kind::kMapping) {
    ReadMapping<FilterSpec>(node, "a filter", kDemandKeys, filter, reading);
    if (node.Find("equals") != nullptr && node.Find("one_of") != nullptr) {
      reading.problems.Add(node.at, "a filter has equals or one_of, not both");
    }
  } else if (node.kind == Node::Kind::kSequence) {
    kDemandKeys[1].read(node, filter, reading);
  } else {
    filter.one_of.push_back(JsonText(node));
  }
  leaf.filters.push_back(std::move(filter));
}

/// A mapping whose keys are JSON Pointers looks into the field; anything else is about its text.
bool HasPointers(const Node& node) {
  return node.kind == Node::Kind::kMapping &&
         std::any_of(node.members.begin(), node.members.end(), [](const auto& member) {
           return member.first->text.empty() || member.first->text.front() == '/';
         });
}

template <FilterField kField>
void ReadField(const Node& node, ConditionSpec& leaf, Reading& reading) {
  if (kField == FilterField::kSender || !HasPointers(node)) {
    return ReadDemand(node, {.field = kField}, leaf, reading);
  }
  for (const auto& [pointer, demand] : node.members) {
    if (!pointer->text.empty() && pointer->text.front() != '/') {
      reading.problems.Add(pointer->at, Shown(*pointer) + " stands among JSON Pointers, which " +
                                            "begin with \"/\"");
      continue;
    }
    ReadDemand(*demand, {.field = kField, .pointer = pointer->text}, leaf, reading);
  }
}

void ReadParts(const Node& node, ConditionSpec& condition, Reading& reading) {
  if (node.kind != Node::Kind::kSequence) {
    return reading.problems.Add(node.at, "must be a list of conditions, got " + Shown(node));
  }
  for (const Node::Ptr& item : node.items) {
    condition.children.push_back(ReadCondition(*item, reading));
  }
}

constexpr std::array<Key<ConditionSpec>, 5> kEventKeys = {{
    {"event", [](const Node& node, ConditionSpec& leaf,
                 Reading& reading) { ReadText(node, leaf.key, reading); }},
    {"scope", [](const Node& node, ConditionSpec& leaf,
                 Reading& reading) { ReadEnum(node, spec_json::kScopes, leaf.scope, reading); }},
    {"value", ReadField<FilterField::kValue>},
    {"context", ReadField<FilterField::kContext>},
    {"sender", ReadField<FilterField::kSender>},
}};

constexpr std::array<Key<ConditionSpec>, 4> kTaskStatusKeys = {{
    {"task", [](const Node& node, ConditionSpec& leaf,
                Reading& reading) { ReadText(node, leaf.task, reading); }},
    {"status",
     [](const Node& node, ConditionSpec& leaf, Reading& reading) {
       ReadEnum(node, spec_json::kStatuses, leaf.status, reading);
     }},
    {"workflow", [](const Node& node, ConditionSpec& leaf,
                    Reading& reading) { ReadText(node, leaf.workflow, reading); }},
    {"namespace", [](const Node& node, ConditionSpec& leaf,
                     Reading& reading) { ReadText(node, leaf.ns, reading); }},
}};

constexpr std::array<Key<ConditionSpec>, 2> kAllOfKeys = {{
    {"all_of", ReadParts},
    {"name", [](const Node& node, ConditionSpec& condition,
                Reading& reading) { ReadText(node, condition.name, reading); }},
}};

constexpr std::array<Key<ConditionSpec>, 1> kAnyOfKeys = {{{"any_of", ReadParts}}};

ConditionSpec OwnStatus(std::string task, TaskStatus status, const Reading& reading) {
  ConditionSpec leaf;
  leaf.kind = ConditionKind::kTaskStatus;
  leaf.ns = reading.names.ns;
  leaf.workflow = reading.names.workflow;
  leaf.task = std::move(task);
  leaf.status = status;
  return leaf;
}

void ReadJoin(const Node& node, ConditionSpec& join, Reading& reading) {
  if (node.kind != Node::Kind::kMapping) {
    return reading.problems.Add(node.at,
                                "must be a mapping of tasks to statuses, got " + Shown(node));
  }
  for (const auto& [task, status_node] : node.members) {
    if (!CheckTaskName(*task, reading)) continue;
    TaskStatus status = TaskStatus::kSuccess;
    ReadEnum(*status_node, spec_json::kStatuses, status, reading);
    join.children.push_back(OwnStatus(task->text, status, reading));
  }
}

constexpr std::array<Key<ConditionSpec>, 1> kJoinKeys = {{{"all_task_status", ReadJoin}}};

/// A form of condition: the mapping that has its first key.
struct Form {
  ConditionKind kind;
  const char* name;
  std::span<const Key<ConditionSpec>> keys;
};
const std::array<Form, 5>& Forms() {
  static const std::array<Form, 5> kForms = {
      {{ConditionKind::kEvent, "an event condition", kEventKeys},
       {ConditionKind::kTaskStatus, "a task condition", kTaskStatusKeys},
       {ConditionKind::kAllOf, "an all_of condition", kAllOfKeys},
       {ConditionKind::kAnyOf, "an any_of condition", kAnyOfKeys},
       {ConditionKind::kAllTaskStatus, "an all_task_status condition", kJoinKeys}}};
  return kForms;
}

ConditionSpec ReadForm(const Node& node, const Form& form, Reading& reading) {
  ConditionSpec condition = form.kind == ConditionKind::kTaskStatus
                                ? OwnStatus("", TaskStatus::kSuccess, reading)
                                : ConditionSpec{};
  condition.kind = form.kind;
  ReadMapping(node, form.name, form.keys, condition, reading);
  if (form.kind == ConditionKind::kTaskStatus && condition.ns == reading.names.ns &&
      condition.workflow == reading.names.workflow) {
    CheckTaskName(*node.Find("task"), reading);
  }
  return condition;
}

}  // namespace

bool CheckTaskName(const Node& node, Reading& reading) {
  if (node.kind != Node::Kind::kScalar) {
    reading.problems.Add(node.at, "must be the name of a task, got " + Shown(node));
    return false;
  }
  if (reading.names.tasks.contains(node.text)) return true;
  const std::string nearest = Nearest(node.text.substr(0, limits::kMaxNameBytes),
                                      {reading.names.tasks.begin(), reading.names.tasks.end()});
  reading.problems.Add(node.at, "this workflow has no task " + Shown(node) +
                                    (nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"));
  return false;
}

ConditionSpec ReadCondition(const Node& node, Reading& reading) {
  ConditionSpec condition;
  if (node.kind == Node::Kind::kScalar) {
    condition.key = node.text;
    return condition;
  }
  if (node.kind == Node::Kind::kMapping) {
    for (const Form& form : Forms()) {
      if (node.Find(form.keys.front().name) != nullptr) return ReadForm(node, form, reading);
    }
  }
  std::string forms;
  for (const Form& form : Forms()) forms.append(", ").append(form.keys.front().name);
  reading.problems.Add(node.at, "a condition is an event key, or a mapping with one of " +
                                    forms.substr(2) + "; got " + Shown(node));
  return condition;
}

ConditionSpec ReadAllSucceeded(const Node& node, Reading& reading) {
  ConditionSpec join;
  join.kind = ConditionKind::kAllTaskStatus;
  ForEach(node, [&](const Node& task) {
    if (!CheckTaskName(task, reading)) return;
    join.children.push_back(OwnStatus(task.text, TaskStatus::kSuccess, reading));
  });
  return join;
}

std::map<std::string, std::vector<std::string>> ConditionKeys() {
  std::map<std::string, std::vector<std::string>> keys;
  for (const Form& form : Forms())
    keys[std::string(form.keys.front().name) + "_condition"] = KeyNames(form.keys);
  keys["filter"] = KeyNames(std::span<const Key<FilterSpec>>(kDemandKeys));
  return keys;
}

}  // namespace aiflow::yaml
