#include "yaml/workflow_yaml.h"

#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "model/spec_problems.h"
#include "yaml/known_keys.h"
#include "yaml/reading.h"
#include "yaml/task_yaml.h"

namespace aiflow::yaml {
namespace {

using Json = nlohmann::json;

constexpr std::array<Key<ParamSpec>, 3> kParamKeys = {{
    {"type", [](const Node& node, ParamSpec& param,
                Reading& reading) { ReadEnum(node, spec_json::kParamTypes, param.type, reading); }},
    {"default", [](const Node& node, ParamSpec& param,
                   Reading& /*reading*/) { param.default_json = JsonText(node); }},
    {"description", [](const Node& node, ParamSpec& param,
                       Reading& reading) { ReadText(node, param.description, reading); }},
}};

constexpr std::array<Key<HookSpec>, 4> kHookKeys = {{
    {"on_failure", [](const Node& node, HookSpec& hook,
                      Reading& reading) { ReadBool(node, hook.on_failure, reading); }},
    {"on_success", [](const Node& node, HookSpec& hook,
                      Reading& reading) { ReadBool(node, hook.on_success, reading); }},
    {"command", [](const Node& node, HookSpec& hook,
                   Reading& reading) { ReadText(node, hook.command, reading); }},
    {"url",
     [](const Node& node, HookSpec& hook, Reading& reading) { ReadText(node, hook.url, reading); }},
}};

/// The type that a default has by itself.
ParamType TypeOf(const std::string& json) {
  const Json value = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (value.is_string()) return ParamType::kString;
  if (value.is_boolean()) return ParamType::kBoolean;
  if (value.is_number_integer()) return ParamType::kInteger;
  return value.is_number() ? ParamType::kNumber : ParamType::kJson;
}

/// `NAME: DEFAULT`, `NAME:` for one without default, or `NAME: {type, default, description}`.
void ReadParams(const Node& node, WorkflowSpec& spec, Reading& reading) {
  if (node.kind != Node::Kind::kMapping) {
    return reading.problems.Add(node.at, "must be a mapping of params, got " + Shown(node));
  }
  for (const auto& [name, value] : node.members) {
    ParamSpec param;
    param.name = name->text;
    const bool is_long = value->kind == Node::Kind::kMapping;
    if (is_long) {
      ReadMapping<ParamSpec>(*value, "a param", kParamKeys, param, reading);
    } else if (value->kind != Node::Kind::kNull) {
      param.default_json = JsonText(*value);
    }
    if (!param.default_json.empty() && (!is_long || value->Find("type") == nullptr)) {
      param.type = TypeOf(param.default_json);
    }
    spec.params.push_back(std::move(param));
  }
}

void ReadHooks(const Node& node, WorkflowSpec& spec, Reading& reading) {
  ForEach(node, [&](const Node& item) {
    ReadMapping<HookSpec>(item, "a hook", kHookKeys, spec.hooks.emplace_back(), reading);
  });
}

void ReadConfig(const Node& node, WorkflowSpec& spec, Reading& reading) {
  if (node.kind != Node::Kind::kMapping) {
    return reading.problems.Add(node.at, "must be a mapping, got " + Shown(node));
  }
  for (const auto& [name, value] : node.members) spec.config[name->text] = JsonText(*value);
}

constexpr std::array<Key<WorkflowSpec>, 11> kWorkflowKeys = {{
    {"name", [](const Node& node, WorkflowSpec& spec,
                Reading& reading) { ReadText(node, spec.name, reading); }},
    {"namespace", [](const Node& node, WorkflowSpec& spec,
                     Reading& reading) { ReadText(node, spec.ns, reading); }},
    {"keep_open", [](const Node& node, WorkflowSpec& spec,
                     Reading& reading) { ReadBool(node, spec.keep_open, reading); }},
    {"execution_timeout",
     [](const Node& node, WorkflowSpec& spec, Reading& reading) {
       ReadDuration(node, spec.execution_timeout, reading);
     }},
    {"max_active_executions",
     [](const Node& node, WorkflowSpec& spec, Reading& reading) {
       ReadInteger(node, spec.max_active_executions, reading);
     }},
    {"concurrency", [](const Node& node, WorkflowSpec& spec,
                       Reading& reading) { ReadInteger(node, spec.concurrency, reading); }},
    {"timezone", [](const Node& node, WorkflowSpec& spec,
                    Reading& reading) { ReadText(node, spec.timezone, reading); }},
    {"params", ReadParams},
    {"hooks", ReadHooks},
    {"config", ReadConfig},
    {"tasks", [](const Node& node, WorkflowSpec& spec,
                 Reading& reading) { spec.tasks = ReadTasks(node, reading); }},
}};

/// What leaves and joins must know of the whole workflow before its tasks are read.
Names NamesOf(const Node& node) {
  const auto text = [&node](const char* key, const char* otherwise) {
    const Node* value = node.Find(key);
    return value != nullptr && value->kind == Node::Kind::kScalar ? value->text : otherwise;
  };
  Names names{text("namespace", "default"), text("name", ""), {}};
  if (const Node* tasks = node.Find("tasks")) {
    for (std::string& name : TaskNames(*tasks)) names.tasks.insert(std::move(name));
  }
  return names;
}

/// A workflow and where it is written.
struct ReadSpec {
  WorkflowSpec spec;
  Position at;
  std::vector<TaskPlace> tasks;
};

Position PlaceOf(const ReadSpec& read, const SpecProblem& problem) {
  if (!problem.task.has_value() || *problem.task >= read.tasks.size()) return read.at;
  const TaskPlace& task = read.tasks[*problem.task];
  if (!problem.rule.has_value() || *problem.rule >= task.rules.size()) return task.at;
  return task.rules[*problem.rule];
}

void ReadWorkflow(const Node& node, std::vector<ReadSpec>& workflows, Problems& problems) {
  Reading reading{problems, {}, {}};
  WorkflowSpec spec;
  if (node.kind == Node::Kind::kMapping) {
    reading.names = NamesOf(node);
    for (const char* key : {"name", "tasks"}) {
      if (node.Find(key) == nullptr) {
        problems.Add(node.at, std::string("a workflow needs the key \"") + key + "\"");
      }
    }
  }
  ReadMapping<WorkflowSpec>(node, "a workflow", kWorkflowKeys, spec, reading, /*extensions=*/true);
  workflows.push_back({std::move(spec), node.at, std::move(reading.places)});
}

/// What is wrong in spite of the right words. While some of these could not be read, most of it
/// would follow from that; that tasks wait for each other does not.
void Validate(const std::vector<ReadSpec>& workflows, Problems& problems) {
  const bool complete = problems.empty();
  for (const ReadSpec& read : workflows) {
    for (const SpecProblem& problem :
         complete ? FindSpecProblems(read.spec) : FindStuckTasks(read.spec)) {
      problems.Add(PlaceOf(read, problem), problem.text);
    }
  }
}

Result<std::vector<WorkflowSpec>> Parse(const std::string& text, const std::string& file,
                                        bool validate) {
  const Result<std::vector<Node::Ptr>> documents = ParseYaml(text, file);
  if (!documents.has_value()) return Error(documents.error());
  Problems problems(file);
  std::vector<ReadSpec> workflows;
  std::set<std::pair<std::string, std::string>> names;
  for (const Node::Ptr& document : *documents) {
    if (document->kind == Node::Kind::kNull) continue;
    ForEach(*document, [&](const Node& node) {
      ReadWorkflow(node, workflows, problems);
      const WorkflowSpec& spec = workflows.back().spec;
      if (!spec.name.empty() && !names.emplace(spec.ns, spec.name).second) {
        problems.Add(node.at, "the workflow " + spec.ns + "." + spec.name + " is there twice");
      }
    });
  }
  if (validate) Validate(workflows, problems);
  if (!problems.empty()) return Error(problems.ToStatus());
  if (workflows.empty()) return Error(Code::kInvalidArgument, file + ": defines no workflow");
  std::vector<WorkflowSpec> specs;
  for (ReadSpec& read : workflows) specs.push_back(std::move(read.spec));
  return specs;
}

}  // namespace

Result<std::vector<WorkflowSpec>> ParseWorkflows(const std::string& text, const std::string& file) {
  return Parse(text, file, /*validate=*/false);
}

Result<std::vector<WorkflowSpec>> ParseValidWorkflows(const std::string& text,
                                                      const std::string& file) {
  return Parse(text, file, /*validate=*/true);
}

std::map<std::string, std::vector<std::string>> WorkflowKeys() {
  return {{"workflow", KeyNames(std::span<const Key<WorkflowSpec>>(kWorkflowKeys))},
          {"param", KeyNames(std::span<const Key<ParamSpec>>(kParamKeys))},
          {"hook", KeyNames(std::span<const Key<HookSpec>>(kHookKeys))}};
}

}  // namespace aiflow::yaml
