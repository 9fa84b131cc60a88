#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/event.h"
#include "storage/store.h"

namespace aiflow::sim {

/// What can happen to a commit.
enum class Fault : size_t { kNone, kRefused, kReplyLost, kLate, kCrashBefore, kCrashAfter };
inline constexpr std::array<std::string_view, 6> kFaultNames = {
    "stored", "refused", "reply lost", "late", "crash before", "crash after"};

/// What a commit may decide.
enum class Decided : size_t {
  kExecution,
  kRun,
  kTimer,
  kReopening,
  kTaskEvaluation,
  kTriggerEvaluation,
  kDeadLetter,
  kHook,
  kBackfill,
  kRetirement,
};
inline constexpr std::array<std::string_view, 10> kDecidedNames = {
    "execution",          "run",         "timer", "reopening", "task evaluation",
    "trigger evaluation", "dead letter", "hook",  "backfill",  "retirement"};

/// What else a run of seeds must have met.
enum class Met : size_t {
  kHookTold,
  kHookFailed,
  kHookDelivered,
  kHookGivenUp,
  kHookDropped,
  kHookToldAgain,
  kHookOfReopened,
  kTaskQuestion,
  kTriggerQuestion,
  kErrorAnswer,
  kAnswerTwice,
  kLetterKept,
  kLetterRetried,
  kLetterDropped,
  kQuarantined,
  kSetAside,
  kQuarantineRetried,
  kQuarantineDropped,
  kReplayQuarantined,
  kWorkflowSuspended,
  kEventHeld,
  kTriggerStarted,
  kEvaluatedStart,
  kScheduleStarted,
  kBackfillStarted,
  kBackfillRepeated,
  kExecutionRetired,
  kRunRetired,
  kReplyRetired,
  kEventDropped,
  kRetiredRefused,
  kReopened,
  kParams,
  kTriggerParams,
  kNamespaceDeleted,
  kWorkflowDeleted,
  kSnapshotDeleted,
  kTriggerDeletedAsked,
  kExecutionWaited,
  kRetry,
  kLimit,
  kTick,
};
inline constexpr std::array<std::string_view, 42> kMetNames = {
    "hooks told",
    "hook tries failed",
    "hooks delivered",
    "hooks given up",
    "hooks dropped with their execution",
    "hooks told again",
    "hooks of a reopened execution's next end",
    "questions of tasks",
    "questions of triggers",
    "answers with an error",
    "answers given twice",
    "dead letters kept",
    "dead letters retried",
    "dead letters dropped",
    "events quarantined",
    "events set aside",
    "quarantined events retried",
    "quarantined events dropped",
    "replays quarantined",
    "workflows suspended",
    "events held",
    "executions started by triggers",
    "executions started by an answer",
    "executions started by schedules",
    "executions started by backfills",
    "backfills that found some due times done",
    "executions retired",
    "runs retired",
    "reply ranges retired",
    "events dropped",
    "reopenings of retired executions refused",
    "executions reopened",
    "executions with params",
    "params from events",
    "namespaces deleted with workflows",
    "workflows deleted",
    "snapshots deleted",
    "triggers deleted while a question was in flight",
    "executions that waited in INIT",
    "retries",
    "limits that passed",
    "ticks",
};

/// Counts, over all seeds of a run, how often the world met what. Plain value.
struct Coverage {
  std::array<int64_t, kMetNames.size()> met{};
  std::array<std::array<int64_t, kDecidedNames.size()>, kFaultNames.size()> commits{};

  void Add(const Coverage& other);
  void Print() const;
  /// The names of what was never met.
  [[nodiscard]] std::vector<std::string> Missing() const;
};

/// What the batch decides. `log` has all events.
std::vector<Decided> DecidedBy(const CommitBatch& batch, const std::vector<Event>& log);

}  // namespace aiflow::sim
