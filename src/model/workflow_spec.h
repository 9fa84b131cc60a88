#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/ids.h"
#include "model/task_status.h"

namespace aiflow {

/// What a met rule does to its task.
enum class TaskAction : uint8_t { kStart = 0, kStop = 1, kRestart = 2 };

/// What START does to a task that has a live attempt.
enum class OnAlive : uint8_t { kIgnore = 0, kQueue = 1, kRestart = 2 };

/// How a task's process is made.
enum class OperatorKind : uint8_t {
  kBash = 0,  // `command` run by bash
  kHost = 1,  // code of the bundle, run by its host (Python function or operator, C++ callable)
};

enum class ConditionKind : uint8_t {
  kEvent = 0,          // an event with this key
  kAllOf = 1,          // every child has been met
  kAnyOf = 2,          // a child is met by this event
  kTaskStatus = 3,     // a task reached this status
  kAllTaskStatus = 4,  // a join: every named task of this workflow has this status now
  kCustom = 5,         // user code; evaluated in a host
};

/// A condition as data: a tree. Plain value.
struct ConditionSpec {
  ConditionKind kind = ConditionKind::kEvent;
  std::string key;  // kEvent
  // kTaskStatus: the full name of the watched task.
  std::string ns;
  std::string workflow;
  std::string task;
  TaskStatus status = TaskStatus::kSuccess;
  std::string name;                     // kAllOf, kCustom: unique within the workflow
  std::vector<std::string> event_keys;  // kCustom
  std::vector<ConditionSpec> children;  // kAllOf, kAnyOf, kAllTaskStatus (kTaskStatus leaves only)

  friend bool operator==(const ConditionSpec&, const ConditionSpec&) = default;
};

struct RuleSpec {
  TaskAction action = TaskAction::kStart;
  ConditionSpec condition;

  friend bool operator==(const RuleSpec&, const RuleSpec&) = default;
};

struct TaskSpec {
  std::string name;
  OperatorKind op = OperatorKind::kBash;
  std::string command;  // kBash
  OnAlive on_alive = OnAlive::kIgnore;
  int64_t max_pending_starts = 1000;
  bool optional = false;
  Millis stop_grace{60'000};
  std::vector<RuleSpec> rules;
  std::map<std::string, std::string> env;

  friend bool operator==(const TaskSpec&, const TaskSpec&) = default;
};

/// What runs user code of the bundle.
struct HostSpec {
  std::string language;     // "python", "cpp" or empty when no task needs a host
  std::string file;         // entry file relative to the bundle's root
  std::string interpreter;  // python: path on the uploading machine, a hint
  std::string version;      // python: "3.11"; compared before a task runs
  std::string sdk_version;

  friend bool operator==(const HostSpec&, const HostSpec&) = default;
};

/// A workflow as the client compiled it: immutable once uploaded. docs/formats/workflow-spec.md.
struct WorkflowSpec {
  std::string ns = "default";
  std::string name;
  bool keep_open = false;
  HostSpec host;
  std::vector<TaskSpec> tasks;
  std::map<std::string, std::string> config;  // values are JSON texts

  friend bool operator==(const WorkflowSpec&, const WorkflowSpec&) = default;
};

}  // namespace aiflow
