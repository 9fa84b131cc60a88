#pragma once

#include <cstddef>
#include <cstdint>

/// Every limit of the model, with its name. What is over a limit is refused with that name.
namespace aiflow::limits {

inline constexpr size_t kMaxNameBytes = 200;
inline constexpr size_t kMaxEventKeyBytes = 1024;
inline constexpr size_t kMaxEventValueBytes = 1 << 20;
inline constexpr size_t kMaxEventContextBytes = 1 << 20;
inline constexpr size_t kMaxEventUuidBytes = 256;
inline constexpr size_t kMaxTasksPerWorkflow = 20'000;
inline constexpr size_t kMaxRulesPerTask = 1'000;
inline constexpr size_t kMaxConditionDepth = 32;
inline constexpr size_t kMaxSpecBytes = 16 << 20;
/// Arrays and objects within each other, in a specification or condition.
inline constexpr size_t kMaxJsonDepth = 200;
/// A YAML file, and what its aliases expand to.
inline constexpr size_t kMaxYamlBytes = 16 << 20;
inline constexpr size_t kMaxExpandedYamlBytes = 64 << 20;
/// Keys that one user-written condition listens to.
inline constexpr size_t kMaxEventKeysPerCondition = 1'000;
/// One argument or environment variable of a process may have 128 KiB on Linux, its end included.
inline constexpr size_t kMaxCommandBytes = (128 << 10) - 1;
inline constexpr size_t kMaxEnvBytes = 1 << 20;
/// Files of variables that one task names.
inline constexpr size_t kMaxEnvFiles = 16;
inline constexpr size_t kMaxEnvFilePathBytes = 1024;
inline constexpr size_t kMaxUrlBytes = 2048;
/// Problems (and warnings) that a refused workflow names; the others are counted.
inline constexpr size_t kMaxReportedProblems = 50;
inline constexpr size_t kMaxBundleBytes = size_t{256} << 20;
inline constexpr int64_t kMaxPendingStarts = 100'000;
inline constexpr int64_t kMaxRetries = 1'000'000;
/// Bound of a retry delay that doubles, unless the task sets another.
inline constexpr int64_t kMaxRetryDelayMs = 24LL * 3600 * 1000;
/// Of every duration in a specification.
inline constexpr int64_t kMaxDurationMs = 3650LL * 24 * 3600 * 1000;
inline constexpr size_t kMaxFiltersPerCondition = 32;
inline constexpr size_t kMaxFilterValues = 1'000;
inline constexpr size_t kMaxParams = 200;
inline constexpr size_t kMaxParamsBytes = 64 << 10;
/// Arrays and objects within each other, in parameters.
inline constexpr size_t kMaxParamsDepth = 100;
inline constexpr size_t kMaxHooks = 20;
inline constexpr int64_t kMaxPoolSlots = 1'000'000;
inline constexpr int64_t kMaxPools = 10'000;
/// The inline result of a task, AIFLOW_OUTPUT.
inline constexpr size_t kMaxOutputBytes = 64 << 10;
/// What one answer of a user-written condition writes to its states, as the host encodes it.
inline constexpr size_t kMaxStateBytes = 1 << 20;
inline constexpr size_t kMaxStateNameBytes = 1024;
/// A trigger's condition and parameters, as JSON.
inline constexpr size_t kMaxTriggerBytes = 64 << 10;
/// Events that wait for the answers of user-written conditions, per execution or workflow.
inline constexpr size_t kMaxPendingEvaluations = 10'000;
/// What they take together, with the statuses they are looked at with, per execution or workflow.
inline constexpr size_t kMaxPendingEvaluationBytes = size_t{64} << 20;
/// Questions that no host could answer, kept per execution or workflow.
inline constexpr size_t kMaxDeadLetters = 1'000;
/// What they take, over all of them.
inline constexpr size_t kMaxDeadLetterBytes = size_t{256} << 20;
/// The text of an error that a host, or the question itself, came back with.
inline constexpr size_t kMaxErrorBytes = 4 << 10;
/// A server that dies so often at the same event decides about it no more: it is quarantined.
inline constexpr int64_t kMaxCrashes = 3;
/// Events that are held for an execution or workflow which a quarantined one has suspended.
inline constexpr size_t kMaxHeldEvents = 10'000;
/// What they take, over all of them.
inline constexpr size_t kMaxHeldBytes = size_t{256} << 20;
/// Statuses that the engine makes itself, per execution between two events from outside, on top of
/// one per task: more is a loop of rules.
inline constexpr int64_t kMaxCascade = 1'000;
inline constexpr size_t kMaxSchedulesPerWorkflow = 1'000;
inline constexpr size_t kMaxTriggersPerWorkflow = 1'000;
/// Due times that one backfill request is for.
inline constexpr int64_t kMaxBackfill = 1'000;
/// What a person says about a task that is marked by hand.
inline constexpr size_t kMaxNoteBytes = 4096;
/// How often a hook is tried before it is given up.
inline constexpr int64_t kMaxHookTries = 20;
/// Before a hook is tried again: doubled with each failed try, up to the second. With all tries
/// that is about two hours.
inline constexpr int64_t kFirstHookDelayMs = 1'000;
inline constexpr int64_t kMaxHookDelayMs = 10 * 60 * 1'000;
/// The reason in what a hook is told.
inline constexpr size_t kMaxHookReasonBytes = 8 << 10;
/// Executions that one part of a decision starts by triggers, reaches, promotes, or gives a slot
/// (of each so many); what concerns more is committed in parts.
inline constexpr size_t kMaxExecutionsPerCommit = 1'000;
/// A part ends, too, once it has changed so many rows. So does a commit of several events.
inline constexpr size_t kMaxRowsPerCommit = 20'000;
/// About as many rows are written to suspend somebody, or to hold an event.
inline constexpr size_t kRowsOfHolding = 4;
/// Executions and runs that one retention request removes.
inline constexpr size_t kMaxRetiredPerRequest = 500;

}  // namespace aiflow::limits
