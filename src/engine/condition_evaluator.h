#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "model/rows.h"

namespace aiflow {

/// One question to a user-written condition, with all that its host needs. Plain value.
struct ConditionQuestion {
  OutboxId id;  // of its outbox row: the same question has the same id, also after a recovery

  // Where the code is.
  std::string bundle_digest;  // empty: there is none
  std::string bundle_name;
  HostSpec host;

  // Which leaf: of a task's rule, or of a trigger.
  WorkflowId workflow_id;
  std::string ns;
  std::string workflow;
  std::string task;
  RuleIndex rule = -1;
  TriggerId trigger;
  std::string pickled_digest;  // the trigger's rule
  int32_t question = 0;

  Event event;
  // As of the event; of a trigger, neither execution, statuses nor params.
  ExecutionId execution;
  SnapshotId snapshot;
  std::vector<std::pair<std::string, TaskStatus>> statuses;
  std::string params_json;
  std::vector<StateRow> states;  // all of the scope
};

struct ConditionAnswer {
  bool met = false;
  std::string error;        // not empty: nobody could answer, and nobody will
  std::string states_json;  // as EvaluationAnswer::states_json
};

/// Asks user-written conditions, outside the server. Thread-safe.
class ConditionEvaluator {
 public:
  virtual ~ConditionEvaluator() = default;

  using Done = std::function<void(ConditionAnswer)>;
  /// Never blocks. `done` is called once, from any thread, but not for a question that was
  /// withdrawn; it owns what it touches. Of a question that is asked again while it is there, the
  /// later `done` is called.
  virtual void Ask(ConditionQuestion question, Done done) = 0;
  /// Nobody waits for the answer any more. A question that is not there is ignored.
  virtual void Withdraw(OutboxId id) = 0;
};

}  // namespace aiflow
