#include "yaml/task_yaml.h"

#include <array>
#include <utility>

#include "yaml/condition_yaml.h"
#include "yaml/known_keys.h"

namespace aiflow::yaml {
namespace {

constexpr std::array<Key<RuleSpec>, 2> kRuleKeys = {{
    {"action", [](const Node& node, RuleSpec& rule,
                  Reading& reading) { ReadEnum(node, spec_json::kActions, rule.action, reading); }},
    {"condition", [](const Node& node, RuleSpec& rule,
                     Reading& reading) { rule.condition = ReadCondition(node, reading); }},
}};

void AddRule(Position at, RuleSpec rule, TaskSpec& task, Reading& reading) {
  reading.places.back().rules.push_back(at);
  task.rules.push_back(std::move(rule));
}

void ReadRules(const Node& node, TaskSpec& task, Reading& reading) {
  if (node.kind != Node::Kind::kSequence) {
    return reading.problems.Add(node.at, "must be a list of rules, got " + Shown(node));
  }
  for (const Node::Ptr& item : node.items) {
    RuleSpec rule;
    ReadMapping<RuleSpec>(*item, "a rule", kRuleKeys, rule, reading);
    for (const Key<RuleSpec>& key : kRuleKeys) {
      if (item->kind == Node::Kind::kMapping && item->Find(key.name) == nullptr) {
        reading.problems.Add(item->at, "a rule needs the key \"" + std::string(key.name) + "\"");
      }
    }
    AddRule(item->at, std::move(rule), task, reading);
  }
}

/// One rule for each condition of a list: any of them leads to the action.
template <TaskAction kAction>
void ReadOn(const Node& node, TaskSpec& task, Reading& reading) {
  ForEach(node, [&](const Node& condition) {
    AddRule(condition.at, {kAction, ReadCondition(condition, reading)}, task, reading);
  });
}

void ReadStartAfter(const Node& node, TaskSpec& task, Reading& reading) {
  AddRule(node.at, {TaskAction::kStart, ReadAllSucceeded(node, reading)}, task, reading);
}

void ReadBash(const Node& node, TaskSpec& task, Reading& reading) {
  task.op = OperatorKind::kBash;
  ReadText(node, task.command, reading);
}

void ReadEmpty(const Node& node, TaskSpec& task, Reading& reading) {
  bool empty = true;
  ReadBool(node, empty, reading);
  if (!empty) reading.problems.Add(node.at, "leave \"empty\" out of a task that runs a command");
  task.op = OperatorKind::kEmpty;
}

void ReadEnv(const Node& node, TaskSpec& task, Reading& reading) {
  if (node.kind != Node::Kind::kMapping) {
    return reading.problems.Add(node.at, "must be a mapping of variables, got " + Shown(node));
  }
  for (const auto& [name, value] : node.members) ReadText(*value, task.env[name->text], reading);
}

void ReadEnvFiles(const Node& node, TaskSpec& task, Reading& reading) {
  ForEach(node, [&](const Node& file) { ReadText(file, task.env_files.emplace_back(), reading); });
}

template <auto kMember>
void Text(const Node& node, TaskSpec& task, Reading& reading) {
  ReadText(node, task.*kMember, reading);
}
template <auto kMember>
void Bool(const Node& node, TaskSpec& task, Reading& reading) {
  ReadBool(node, task.*kMember, reading);
}
template <auto kMember>
void Integer(const Node& node, TaskSpec& task, Reading& reading) {
  ReadInteger(node, task.*kMember, reading);
}
template <auto kMember>
void Duration(const Node& node, TaskSpec& task, Reading& reading) {
  ReadDuration(node, task.*kMember, reading);
}
template <auto kMember, const auto& kNames>
void Enum(const Node& node, TaskSpec& task, Reading& reading) {
  ReadEnum(node, kNames, task.*kMember, reading);
}

void ReadName(const Node& node, TaskSpec& task, Reading& reading) {
  ReadText(node, task.name, reading);
}

// Those of the specification, without "_ms" at durations, and short forms of rules.
constexpr std::array<Key<TaskSpec>, 28> kTaskKeys = {{
    {"name", ReadName},
    {"bash", ReadBash},
    {"empty", ReadEmpty},
    {"env", ReadEnv},
    {"env_file", ReadEnvFiles},
    {"start_after", ReadStartAfter},
    {"start_on", ReadOn<TaskAction::kStart>},
    {"stop_on", ReadOn<TaskAction::kStop>},
    {"restart_on", ReadOn<TaskAction::kRestart>},
    {"rules", ReadRules},
    {"on_alive", Enum<&TaskSpec::on_alive, spec_json::kOnAlive>},
    {"max_pending_starts", Integer<&TaskSpec::max_pending_starts>},
    {"optional", Bool<&TaskSpec::optional>},
    {"stop_grace", Duration<&TaskSpec::stop_grace>},
    {"retries", [](const Node& node, TaskSpec& task,
                   Reading& reading) { ReadInteger(node, task.retry.retries, reading); }},
    {"retry_delay", [](const Node& node, TaskSpec& task,
                       Reading& reading) { ReadDuration(node, task.retry.delay, reading); }},
    {"retry_exponential_backoff",
     [](const Node& node, TaskSpec& task, Reading& reading) {
       ReadBool(node, task.retry.exponential, reading);
     }},
    {"max_retry_delay",
     [](const Node& node, TaskSpec& task, Reading& reading) {
       ReadDuration(node, task.retry.max_delay, reading);
     }},
    {"execution_timeout", Duration<&TaskSpec::execution_timeout>},
    {"queue_timeout", Duration<&TaskSpec::queue_timeout>},
    {"start_timeout", Duration<&TaskSpec::start_timeout>},
    {"periodic_expression", Text<&TaskSpec::periodic>},
    {"overlap", Enum<&TaskSpec::overlap, spec_json::kOverlaps>},
    {"catchup", Enum<&TaskSpec::catchup, spec_json::kCatchUps>},
    {"executor", Text<&TaskSpec::executor>},
    {"pool", Text<&TaskSpec::pool>},
    {"pool_slots", Integer<&TaskSpec::pool_slots>},
    {"priority", Integer<&TaskSpec::priority>},
}};

void ReadTask(Position at, const Node& node, std::string name, std::vector<TaskSpec>& tasks,
              Reading& reading) {
  reading.places.push_back({at, {}});
  TaskSpec task;
  const bool has_name = !name.empty();
  task.name = std::move(name);
  ReadMapping<TaskSpec>(node, "a task", kTaskKeys, task, reading);
  if (node.kind == Node::Kind::kMapping) {
    const Node* own_name = node.Find("name");
    if (has_name && own_name != nullptr) {
      reading.problems.Add(own_name->at, "the task has its name already, before the colon");
    } else if (!has_name && own_name == nullptr) {
      reading.problems.Add(node.at, "a task in a list needs the key \"name\"");
    }
    if ((node.Find("bash") == nullptr) == (node.Find("empty") == nullptr)) {
      reading.problems.Add(node.at, "a task has either \"bash: COMMAND\" or \"empty: true\"");
    }
  }
  tasks.push_back(std::move(task));
}

}  // namespace

std::vector<std::string> TaskNames(const Node& node) {
  std::vector<std::string> names;
  if (node.kind == Node::Kind::kMapping) {
    for (const auto& member : node.members) names.push_back(member.first->text);
  }
  for (const Node::Ptr& item : node.items) {
    const Node* name = item->kind == Node::Kind::kMapping ? item->Find("name") : nullptr;
    if (name != nullptr && name->kind == Node::Kind::kScalar) names.push_back(name->text);
  }
  return names;
}

std::vector<TaskSpec> ReadTasks(const Node& node, Reading& reading) {
  std::vector<TaskSpec> tasks;
  if (node.kind == Node::Kind::kMapping) {
    for (const auto& [name, body] : node.members) {
      if (name->text.empty()) {
        reading.problems.Add(name->at, "a task needs a name");
      } else {
        ReadTask(name->at, *body, name->text, tasks, reading);
      }
    }
  } else if (node.kind == Node::Kind::kSequence) {
    for (const Node::Ptr& item : node.items) ReadTask(item->at, *item, "", tasks, reading);
  } else {
    reading.problems.Add(
        node.at, "must be a mapping of names to tasks, or a list of tasks, got " + Shown(node));
  }
  return tasks;
}

std::map<std::string, std::vector<std::string>> TaskKeys() {
  return {{"task", KeyNames(std::span<const Key<TaskSpec>>(kTaskKeys))},
          {"rule", KeyNames(std::span<const Key<RuleSpec>>(kRuleKeys))}};
}

}  // namespace aiflow::yaml
