#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace aiflow::sim {

/// Deliberate faults of the simulated world that break a promise the engine rests on. The simulator
/// must find each: that proves that its checks can fail.
enum class Mutant {
  kNone,
  kActBeforeCommit,       // a commit is announced before it is durable
  kTornCommit,            // a commit is not atomic: a crash keeps its first half
  kOffsetStandsStill,     // changes are stored, the committed offset sometimes is not
  kOffsetRunsAhead,       // recovery skips one event
  kNoFence,               // the store does not compare epochs
  kDropOutboxRow,         // recovery loses one outbox row
  kForgetJoinVector,      // recovery loses what joins last fired with
  kForgetPendingStarts,   // recovery loses the queue of waiting starts
  kForgetCursor,          // recovery ignores how far a decision in parts has come
  kCursorRunsAhead,       // recovery passes over executions of a decision in parts
  kExecutorStartsTwice,   // the executor does not know its claims
  kExecutorLosesResult,   // the executor does not repeat a result after recovery
  kLogForgetsIds,         // a repeated id is appended again
  kLogLosesAcknowledged,  // the log acknowledges before the sync

  kHookNotTold,              // a hook counts as delivered, and nobody was told
  kHookKeyChanges,           // the next server tells of the same end under another key
  kStateWrittenTwice,        // after a restart the last state write has happened once more
  kErrorCountsAsMet,         // what a host could not answer counts as met
  kForgetEvaluation,         // recovery loses an event that waits for answers
  kForgetHeldEvent,          // recovery loses an event that is held for a suspended one
  kReplayStaysHeld,          // a held event that was replayed is held on
  kBackfillForgetsFinished,  // a backfill does not see executions that have ended
  kRetentionDropsNeeded,     // the log is cut although something names an event
  kRetiredComesBack,         // the rows of a removed execution can still be loaded
};

struct MutantName {
  Mutant mutant;
  std::string_view name;
};

inline constexpr std::array kMutants = {
    MutantName{Mutant::kActBeforeCommit, "act-before-commit"},
    MutantName{Mutant::kTornCommit, "torn-commit"},
    MutantName{Mutant::kOffsetStandsStill, "offset-stands-still"},
    MutantName{Mutant::kOffsetRunsAhead, "offset-runs-ahead"},
    MutantName{Mutant::kNoFence, "no-fence"},
    MutantName{Mutant::kDropOutboxRow, "drop-outbox-row"},
    MutantName{Mutant::kForgetJoinVector, "forget-join-vector"},
    MutantName{Mutant::kForgetPendingStarts, "forget-pending-starts"},
    MutantName{Mutant::kForgetCursor, "forget-cursor"},
    MutantName{Mutant::kCursorRunsAhead, "cursor-runs-ahead"},
    MutantName{Mutant::kExecutorStartsTwice, "executor-starts-twice"},
    MutantName{Mutant::kExecutorLosesResult, "executor-loses-result"},
    MutantName{Mutant::kLogForgetsIds, "log-forgets-ids"},
    MutantName{Mutant::kLogLosesAcknowledged, "log-loses-acknowledged"},
    MutantName{Mutant::kHookNotTold, "hook-not-told"},
    MutantName{Mutant::kHookKeyChanges, "hook-key-changes"},
    MutantName{Mutant::kStateWrittenTwice, "state-written-twice"},
    MutantName{Mutant::kErrorCountsAsMet, "error-counts-as-met"},
    MutantName{Mutant::kForgetEvaluation, "forget-evaluation"},
    MutantName{Mutant::kForgetHeldEvent, "forget-held-event"},
    MutantName{Mutant::kReplayStaysHeld, "replay-stays-held"},
    MutantName{Mutant::kBackfillForgetsFinished, "backfill-forgets-finished"},
    MutantName{Mutant::kRetentionDropsNeeded, "retention-drops-needed"},
    MutantName{Mutant::kRetiredComesBack, "retired-comes-back"},
};

inline std::optional<Mutant> ParseMutant(std::string_view name) {
  for (const MutantName& candidate : kMutants) {
    if (candidate.name == name) return candidate.mutant;
  }
  return std::nullopt;
}

}  // namespace aiflow::sim
