#pragma once

#include <cstdint>
#include <map>
#include <optional>
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
  kBash = 0,   // `command` run by bash
  kHost = 1,   // code of the bundle, run by its host (Python function or operator, C++ callable)
  kEmpty = 2,  // nothing to run: succeeds inside the engine
};

/// What a tick of a periodic task does to a live run.
enum class Overlap : uint8_t { kRestart = 0, kSkip = 1, kQueue = 2 };

/// What happens to due times that passed while nobody could fire them.
enum class CatchUp : uint8_t { kNone = 0, kOne = 1, kAll = 2 };

/// Which part of an event a filter looks at.
enum class FilterField : uint8_t { kValue = 0, kContext = 1, kSender = 2 };

/// One demand on an event besides its key. Met when the looked-at value is there and is one of
/// `one_of` (when not empty) and a number within [min, max] (when given). Plain value.
struct FilterSpec {
  FilterField field = FilterField::kValue;
  /// Where the value is, as a JSON Pointer (RFC 6901) into the field read as JSON. Without one, the
  /// field's own text is the value (and its number, when it reads as one).
  std::optional<std::string> pointer;
  std::vector<std::string> one_of;  // JSON texts; one of them: equals
  std::optional<double> min;
  std::optional<double> max;

  friend bool operator==(const FilterSpec&, const FilterSpec&) = default;
};

/// Which events a leaf takes, by how they were addressed.
enum class EventScope : uint8_t {
  kAny = 0,
  kExecution = 1,  // only those confined to an execution (its own, for task rules)
  kNamespace = 2,  // only those sent to the whole namespace
};

enum class ConditionKind : uint8_t {
  kEvent = 0,          // an event with this key
  kAllOf = 1,          // every child has been met
  kAnyOf = 2,          // a child is met by this event
  kTaskStatus = 3,     // a task reached this status
  kAllTaskStatus = 4,  // a join: every named task of this workflow has this status now
  kCustom = 5,         // user code; evaluated in a host, which finds it by its place in the rule
};

/// A condition as data: a tree. Plain value.
struct ConditionSpec {
  ConditionKind kind = ConditionKind::kEvent;
  std::string key;                      // kEvent
  std::vector<FilterSpec> filters;      // kEvent: all of them must be met
  EventScope scope = EventScope::kAny;  // kEvent
  // kTaskStatus: the full name of the watched task.
  std::string ns;
  std::string workflow;
  std::string task;
  TaskStatus status = TaskStatus::kSuccess;
  std::string name;                     // kAllOf: unique within the workflow; kCustom: for people
  std::vector<std::string> event_keys;  // kCustom
  std::vector<ConditionSpec> children;  // kAllOf, kAnyOf, kAllTaskStatus (kTaskStatus leaves only)

  friend bool operator==(const ConditionSpec&, const ConditionSpec&) = default;
};

struct RuleSpec {
  TaskAction action = TaskAction::kStart;
  ConditionSpec condition;

  friend bool operator==(const RuleSpec&, const RuleSpec&) = default;
};

/// The executor of the server's own machine.
inline constexpr const char* kLocalExecutor = "local";
/// Name of its pool: every run takes one slot of the pool of the executor that it runs at.
inline constexpr const char* kExecutorPool = kLocalExecutor;

/// How failing tries are repeated, and how long things may take. 0: no limit.
struct RetrySpec {
  int64_t retries = 0;       // further tries after the first
  Millis delay{0};           // before the second try
  bool exponential = false;  // the delay doubles with each try
  Millis max_delay{0};       // bound of the doubled delay; 0: kMaxRetryDelay

  friend bool operator==(const RetrySpec&, const RetrySpec&) = default;
};

struct TaskSpec {
  std::string name;
  OperatorKind op = OperatorKind::kBash;
  std::string command;  // kBash
  OnAlive on_alive = OnAlive::kIgnore;
  int64_t max_pending_starts = 1000;
  bool optional = false;
  Millis stop_grace{60'000};
  RetrySpec retry;
  Millis execution_timeout{0};   // of each try, from RUNNING
  Millis queue_timeout{0};       // of waiting for a slot
  Millis start_timeout{60'000};  // from the slot to RUNNING
  std::string periodic;          // recurrence (calendar/recurrence.h); empty: not periodic
  Overlap overlap = Overlap::kRestart;
  CatchUp catchup = CatchUp::kOne;
  std::string executor;  // that runs it; empty: its pool's, or the server's default
  std::string pool;      // takes `pool_slots` of this pool besides its executor slot; empty: none
  int64_t pool_slots = 1;
  int64_t priority = 0;  // of those that wait for a slot, the higher goes first
  std::vector<RuleSpec> rules;
  std::map<std::string, std::string> env;
  /// Files of variables on the server's machine, read at the start of each try; `env` wins. Their
  /// values are secrets, and are never in a specification.
  std::vector<std::string> env_files;

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

enum class ParamType : uint8_t {
  kString = 0,
  kInteger = 1,
  kNumber = 2,
  kBoolean = 3,
  kJson = 4,  // any JSON value
};

/// A parameter that an execution is started with.
struct ParamSpec {
  std::string name;  // [A-Za-z_][A-Za-z0-9_]*
  ParamType type = ParamType::kString;
  std::string default_json;  // a JSON text of the type; empty: must be given
  std::string description;

  friend bool operator==(const ParamSpec&, const ParamSpec&) = default;
};

/// What is told to the world when an execution has ended: a command run by bash, or a POST of JSON
/// to a URL. Delivered at least once, with a key.
struct HookSpec {
  bool on_failure = true;   // at FAILED
  bool on_success = false;  // at SUCCESS
  std::string command;      // this, or
  std::string url;          // this

  friend bool operator==(const HookSpec&, const HookSpec&) = default;
};

/// A workflow as the client compiled it: immutable once uploaded. docs/formats/workflow-spec.md.
struct WorkflowSpec {
  std::string ns = "default";
  std::string name;
  bool keep_open = false;
  Millis execution_timeout{0};        // of an execution, from its start; 0: none
  int64_t max_active_executions = 0;  // more wait in INIT; 0: no limit
  int64_t concurrency = 0;            // tasks with a slot, over all executions; 0: no limit
  std::string timezone;               // of recurrences that name none; empty: UTC
  std::vector<ParamSpec> params;
  std::vector<HookSpec> hooks;
  HostSpec host;
  std::vector<TaskSpec> tasks;
  std::map<std::string, std::string> config;  // values are JSON texts

  friend bool operator==(const WorkflowSpec&, const WorkflowSpec&) = default;
};

}  // namespace aiflow
