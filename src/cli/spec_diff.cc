#include "cli/spec_diff.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/spec_text.h"
#include "model/spec_json.h"

namespace aiflow::cli {
namespace {

using Json = nlohmann::ordered_json;

// In the newest form, so that a member that was left out equals its default.
Json Canonical(const std::string& text) {
  const auto spec = ParseWorkflowSpec(text);
  Json json = Json::parse(spec ? FormatWorkflowSpec(*spec) : text, nullptr,
                          /*allow_exceptions=*/false);
  return json.is_object() ? json : Json::object();
}

std::string Shown(const Json* value) {
  return value == nullptr ? "(not set)"
                          : value->dump(-1, ' ', false, Json::error_handler_t::replace);
}

const Json* Find(const Json& object, const std::string& member) {
  const auto found = object.find(member);
  return found == object.end() ? nullptr : &*found;
}

bool Same(const Json* a, const Json* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return *a == *b;
}

// One line per member that differs, but for those in `apart`.
void DiffMembers(const Json& before, const Json& after, const std::string& indent,
                 const std::vector<std::string>& apart, std::vector<std::string>* lines) {
  std::vector<std::string> names;
  for (const Json* side : {&after, &before}) {
    for (const auto& entry : side->items()) {
      if (std::find(names.begin(), names.end(), entry.key()) == names.end()) {
        names.push_back(entry.key());
      }
    }
  }
  for (const std::string& name : names) {
    if (std::find(apart.begin(), apart.end(), name) != apart.end()) continue;
    const Json* a = Find(before, name);
    const Json* b = Find(after, name);
    if (!Same(a, b)) lines->push_back(indent + name + ": " + Shown(a) + " -> " + Shown(b));
  }
}

std::vector<std::string> RulesOf(const Json& task) {
  std::vector<std::string> rules;
  if (const Json* list = Find(task, "rules")) {
    for (const Json& rule : *list) rules.push_back(rule.dump());
  }
  return rules;
}

// Removed rules, then added ones; when only their order differs, that.
void DiffRules(const Json& before, const Json& after, std::vector<std::string>* lines) {
  const std::vector<std::string> a = RulesOf(before);
  const std::vector<std::string> b = RulesOf(after);
  if (a == b) return;
  const size_t begin = lines->size();
  const auto add_missing = [&](const std::vector<std::string>& of, std::vector<std::string> in,
                               const char* sign) {
    for (const std::string& rule : of) {
      const auto found = std::find(in.begin(), in.end(), rule);
      if (found != in.end()) {
        in.erase(found);
      } else {
        lines->push_back(sign + DescribeRule(rule));
      }
    }
  };
  add_missing(a, b, "    - rule ");
  add_missing(b, a, "    + rule ");
  if (lines->size() == begin) lines->push_back("    the order of its rules");
}

std::vector<std::pair<std::string, const Json*>> TasksOf(const Json& spec) {
  std::vector<std::pair<std::string, const Json*>> tasks;
  if (const Json* list = Find(spec, "tasks")) {
    for (const Json& task : *list) {
      const Json* name = Find(task, "name");
      tasks.emplace_back(name != nullptr && name->is_string() ? name->get<std::string>() : "",
                         &task);
    }
  }
  return tasks;
}

void DiffTasks(const Json& before, const Json& after, std::vector<std::string>* lines) {
  const auto a = TasksOf(before);
  const auto b = TasksOf(after);
  std::map<std::string, const Json*> old(a.begin(), a.end());
  for (const auto& [name, task] : b) {
    const auto found = old.find(name);
    if (found == old.end()) {
      lines->push_back("+ task " + name);
      continue;
    }
    std::vector<std::string> changes;
    DiffMembers(*found->second, *task, "    ", {"rules"}, &changes);
    DiffRules(*found->second, *task, &changes);
    if (!changes.empty()) lines->push_back("~ task " + name);
    lines->insert(lines->end(), changes.begin(), changes.end());
    old.erase(found);
  }
  for (const auto& [name, task] : a) {
    if (old.contains(name)) lines->push_back("- task " + name);
  }
  if (lines->empty() && before != after) lines->push_back("the order of the tasks");
}

}  // namespace

std::vector<std::string> SpecDiff(const std::string& before_json, const std::string& after_json) {
  const Json before = Canonical(before_json);
  const Json after = Canonical(after_json);
  std::vector<std::string> lines;
  DiffMembers(before, after, "", {"tasks"}, &lines);
  DiffTasks(before, after, &lines);
  return lines;
}

}  // namespace aiflow::cli
