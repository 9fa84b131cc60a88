#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>

#include "model/rows.h"

/// Which row lives in which table and columns: one place for binding, reading and SQL text.
namespace aiflow::sqlite {

/// `kColumns` begin with `kKeys` key columns, then `kFixed` columns that never change once a row is
/// there (most of them are indexed); `Tie` gives the members in the same order.
template <typename Row>
struct Table;

template <>
struct Table<NamespaceRow> {
  static constexpr std::string_view kName = "namespace";
  static constexpr std::array<std::string_view, 2> kColumns = {"name", "properties"};
  static constexpr size_t kKeys = 1;
  static constexpr size_t kFixed = 0;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.name, r.properties_json);
  }
};

template <>
struct Table<WorkflowRow> {
  static constexpr std::string_view kName = "workflow";
  static constexpr std::array<std::string_view, 10> kColumns = {
      "id",           "namespace",       "name",           "enabled",       "created", "updated",
      "event_offset", "latest_snapshot", "content_digest", "pickled_digest"};
  static constexpr size_t kKeys = 1;
  static constexpr size_t kFixed = 2;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.id, r.ns, r.name, r.enabled, r.created, r.updated, r.event_offset,
                    r.latest_snapshot, r.content_digest, r.pickled_digest);
  }
};

template <>
struct Table<SnapshotRow> {
  static constexpr std::string_view kName = "snapshot";
  static constexpr std::array<std::string_view, 9> kColumns = {
      "id",          "workflow_id", "created",   "spec_digest",   "bundle_digest",
      "bundle_name", "uri",         "signature", "pickled_digest"};
  static constexpr size_t kKeys = 1;
  static constexpr size_t kFixed = 1;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.id, r.workflow_id, r.created, r.spec_digest, r.bundle_digest, r.bundle_name,
                    r.uri, r.signature, r.pickled_digest);
  }
};

template <>
struct Table<ExecutionRow> {
  static constexpr std::string_view kName = "execution";
  static constexpr std::array<std::string_view, 16> kColumns = {
      "id",         "workflow_id", "snapshot_id", "run_type",     "created_offset", "status",
      "stop_cause", "begin_time",  "end_time",    "event_offset", "reason",         "params",
      "source",     "due",         "deadline",    "cascade"};
  static constexpr size_t kKeys = 1;
  static constexpr size_t kFixed = 4;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.id, r.workflow_id, r.snapshot_id, r.run_type, r.created_offset, r.status,
                    r.stop_cause, r.begin, r.end, r.event_offset, r.reason, r.params_json, r.source,
                    r.due, r.deadline, r.cascade);
  }
};

template <>
struct Table<TaskRow> {
  static constexpr std::string_view kName = "task";
  static constexpr std::array<std::string_view, 8> kColumns = {
      "execution_id", "task",      "last_sequence",  "latest",
      "current",      "successor", "pending_starts", "next_tick"};
  static constexpr size_t kKeys = 2;
  static constexpr size_t kFixed = 0;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.execution_id, r.task, r.last_sequence, r.latest, r.current, r.successor,
                    r.pending_starts, r.next_tick);
  }
};

template <>
struct Table<TaskExecutionRow> {
  static constexpr std::string_view kName = "task_execution";
  static constexpr std::array<std::string_view, 19> kColumns = {
      "id",           "execution_id", "task",       "sequence",   "task_name",
      "try_number",   "status",       "stop_cause", "begin_time", "end_time",
      "cause_offset", "cause_rule",   "coalesced",  "pid",        "reason",
      "has_slot",     "deadline",     "output",     "executor"};
  static constexpr size_t kKeys = 1;
  static constexpr size_t kFixed = 3;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.id, r.execution_id, r.task, r.sequence, r.task_name, r.try_number, r.status,
                    r.stop_cause, r.begin, r.end, r.cause_offset, r.cause_rule, r.coalesced, r.pid,
                    r.reason, r.has_slot, r.deadline, r.output, r.executor);
  }
};

template <>
struct Table<RuleStateRow> {
  static constexpr std::string_view kName = "rule_state";
  static constexpr std::array<std::string_view, 5> kColumns = {"execution_id", "task", "rule",
                                                               "slots", "fired"};
  static constexpr size_t kKeys = 3;
  static constexpr size_t kFixed = 0;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.execution_id, r.task, r.rule, r.slots, r.fired);
  }
};

template <>
struct Table<ScheduleRow> {
  static constexpr std::string_view kName = "schedule";
  static constexpr std::array<std::string_view, 13> kColumns = {
      "id",     "workflow_id", "expression", "timezone", "catchup",  "skip_if_active", "params",
      "paused", "created",     "generation", "next_due", "last_due", "reason"};
  static constexpr size_t kKeys = 1;
  static constexpr size_t kFixed = 1;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.id, r.workflow_id, r.expression, r.timezone, r.catchup, r.skip_if_active,
                    r.params_json, r.paused, r.created, r.generation, r.next_due, r.last_due,
                    r.reason);
  }
};

template <>
struct Table<TriggerRow> {
  static constexpr std::string_view kName = "trigger";
  static constexpr std::array<std::string_view, 13> kColumns = {
      "id",      "workflow_id",    "condition",      "params",        "paused",
      "created", "created_offset", "pickled_digest", "bundle_digest", "bundle_name",
      "host",    "slots",          "reason"};
  static constexpr size_t kKeys = 1;
  static constexpr size_t kFixed = 1;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.id, r.workflow_id, r.condition_json, r.params_json, r.paused, r.created,
                    r.created_offset, r.pickled_digest, r.bundle_digest, r.bundle_name, r.host_json,
                    r.slots, r.reason);
  }
};

template <>
struct Table<PoolRow> {
  static constexpr std::string_view kName = "pool";
  static constexpr std::array<std::string_view, 4> kColumns = {"name", "slots", "description",
                                                               "executor"};
  static constexpr size_t kKeys = 1;
  static constexpr size_t kFixed = 0;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.name, r.slots, r.description, r.executor);
  }
};

template <>
struct Table<StateRow> {
  static constexpr std::string_view kName = "state";
  static constexpr std::array<std::string_view, 4> kColumns = {"execution_id", "workflow_id",
                                                               "name", "value"};
  static constexpr size_t kKeys = 3;
  static constexpr size_t kFixed = 0;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.execution_id, r.workflow_id, r.name, r.value);
  }
};

template <>
struct Table<EvaluationRow> {
  static constexpr std::string_view kName = "evaluation";
  static constexpr std::array<std::string_view, 14> kColumns = {
      "execution_id", "trigger_id", "log_offset", "ordinal",  "task",
      "workflow_id",  "event",      "source",     "statuses", "answers",
      "decided",      "generation", "rule",       "question"};
  static constexpr size_t kKeys = 5;
  static constexpr size_t kFixed = 1;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.execution_id, r.trigger_id, r.offset, r.ordinal, r.task, r.workflow_id,
                    r.event, r.source, r.statuses, r.answers, r.decided, r.generation, r.rule,
                    r.question);
  }
};

template <>
struct Table<DeadLetterRow> {
  static constexpr std::string_view kName = "dead_letter";
  static constexpr std::array<std::string_view, 11> kColumns = {
      "id",       "execution_id", "trigger_id", "workflow_id", "task", "rule",
      "question", "decided",      "event",      "time",        "error"};
  static constexpr size_t kKeys = 1;
  static constexpr size_t kFixed = 3;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.id, r.execution_id, r.trigger_id, r.workflow_id, r.task, r.rule, r.question,
                    r.decided, r.event, r.time, r.error);
  }
};

template <>
struct Table<SuspensionRow> {
  static constexpr std::string_view kName = "suspension";
  static constexpr std::array<std::string_view, 6> kColumns = {
      "execution_id", "workflow_id", "dead_letter_id", "replaying", "lost", "reason_before"};
  static constexpr size_t kKeys = 2;
  static constexpr size_t kFixed = 0;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.execution_id, r.workflow_id, r.letter, r.replaying, r.lost, r.reason_before);
  }
};

template <>
struct Table<HeldEventRow> {
  static constexpr std::string_view kName = "held_event";
  static constexpr std::array<std::string_view, 4> kColumns = {"execution_id", "workflow_id",
                                                               "log_offset", "event"};
  static constexpr size_t kKeys = 3;
  static constexpr size_t kFixed = 0;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.execution_id, r.workflow_id, r.offset, r.event);
  }
};

template <>
struct Table<CauseRow> {
  static constexpr std::string_view kName = "cause";
  static constexpr std::array<std::string_view, 9> kColumns = {
      "execution_id", "log_offset", "task", "ordinal", "kind", "sequence", "rule", "time", "text"};
  static constexpr size_t kKeys = 4;
  static constexpr size_t kFixed = 0;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.execution_id, r.offset, r.task, r.ordinal, r.kind, r.sequence, r.rule, r.time,
                    r.text);
  }
};

template <>
struct Table<OutboxRow> {
  static constexpr std::string_view kName = "outbox";
  static constexpr std::array<std::string_view, 14> kColumns = {
      "id",      "kind",       "log_offset", "execution_id", "task",       "sequence", "try_number",
      "publish", "trigger_id", "ordinal",    "question",     "generation", "tries",    "due"};
  static constexpr size_t kKeys = 1;
  static constexpr size_t kFixed = 0;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.id, r.kind, r.offset, r.attempt.execution, r.attempt.task, r.attempt.sequence,
                    r.attempt.try_number, r.publish, r.trigger, r.ordinal, r.question, r.generation,
                    r.tries, r.due);
  }
};

template <>
struct Table<ReplyRow> {
  static constexpr std::string_view kName = "reply";
  static constexpr std::array<std::string_view, 5> kColumns = {"log_offset", "code", "message",
                                                               "id", "detail"};
  static constexpr size_t kKeys = 1;
  static constexpr size_t kFixed = 0;
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.offset, r.code, r.message, r.id, r.detail);
  }
};

template <>
struct Table<CountersRow> {
  static constexpr std::string_view kName = "counters";
  static constexpr std::array<std::string_view, 8> kColumns = {
      "workflow", "snapshot", "execution", "task_execution",
      "outbox",   "schedule", "trigger",   "dead_letter"};
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.workflow, r.snapshot, r.execution, r.task_execution, r.outbox, r.schedule,
                    r.trigger, r.dead_letter);
  }
};

template <>
struct Table<CursorRow> {
  static constexpr std::string_view kName = "decision_cursor";
  static constexpr std::array<std::string_view, 6> kColumns = {
      "log_offset", "part", "workflow_id", "execution_id", "count", "handled"};
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.offset, r.part, r.workflow, r.execution, r.count, r.handled);
  }
};

template <>
struct Table<RecoveryRow> {
  static constexpr std::string_view kName = "recovery";
  static constexpr std::array<std::string_view, 3> kColumns = {"log_offset", "part", "crashes"};
  template <typename R>
  static auto Tie(R& r) {
    return std::tie(r.offset, r.part, r.crashes);
  }
};

/// "id, name, ..."; with a prefix "t.": "t.id, t.name, ...".
template <typename Row>
std::string Columns(std::string_view prefix = "") {
  std::string text;
  for (const std::string_view column : Table<Row>::kColumns) {
    if (!text.empty()) text += ", ";
    text.append(prefix).append(column);
  }
  return text;
}

/// INSERT that takes the place of a row with the same key. It changes no row when a fixed column
/// differs, which is a bug of the caller.
template <typename Row>
std::string UpsertSql() {
  using T = Table<Row>;
  std::string marks;
  std::string keys;
  std::string set;
  std::string same;
  for (size_t i = 0; i < T::kColumns.size(); ++i) {
    const std::string column(T::kColumns[i]);
    marks += i == 0 ? "?" : ", ?";
    if (i < T::kKeys) {
      keys += (keys.empty() ? "" : ", ") + column;
    } else if (i < T::kKeys + T::kFixed) {
      same += (same.empty() ? " WHERE " : " AND ") + column + " = excluded." + column;
    } else {
      set += (set.empty() ? "" : ", ") + column + " = excluded." + column;
    }
  }
  return "INSERT INTO " + std::string(T::kName) + " (" + Columns<Row>() + ") VALUES (" + marks +
         ") ON CONFLICT (" + keys + ") DO UPDATE SET " + set + same;
}

}  // namespace aiflow::sqlite
