#pragma once

#include <string>

#include "scheduler/draft.h"

namespace aiflow {

/// Why an action is taken.
struct Why {
  RuleIndex rule = -1;  // -1: a request, or the start of the execution
  StopCause stop_cause = StopCause::kRequest;
  std::string text;  // for people; names the event and its offset
  Offset cause = 0;  // of the event, when it is not the current one: it has waited for answers
};

enum class StartEffect {
  kStarted,    // a run was dispatched
  kSuccessor,  // a run waits for the end of the current one
  kCoalesced,  // folded into the run that waits already
  kQueued,     // kept for later, on_alive=queue
  kIgnored,    // on_alive=ignore
  kDropped,    // over max_pending_starts
};

struct StartOutcome {
  StartEffect effect = StartEffect::kStarted;
  int64_t sequence = 0;  // the run; 0 when the start has none (yet)
};

/// START: a run of an idle task; on a live one what its on_alive says; while STOPPING as RESTART,
/// but for on_alive=queue nothing is coalesced. Whatever happens is recorded. REQUIRES: the
/// execution is RUNNING.
StartOutcome StartTask(ExecutionDraft& execution, TaskIndex task, const Why& why);

/// RESTART: a run of an idle task; on a live one stops the current run and makes or overwrites its
/// successor. REQUIRES: the execution is RUNNING.
StartOutcome RestartTask(ExecutionDraft& execution, TaskIndex task, const Why& why);

/// A tick with overlap=queue: a run of an idle task; on a live one a start that is kept for later.
/// REQUIRES: the execution is RUNNING.
StartOutcome QueueTask(ExecutionDraft& execution, TaskIndex task, const Why& why);

/// After this long beyond its grace a stop that has not ended its run raises an alarm.
inline constexpr Millis kStopAlarm{30'000};

/// A limit of the task itself was passed: the run is stopped, and FAILED or RETRYING once its end
/// is confirmed. REQUIRES: there is a current run.
void StopForLimit(ExecutionDraft& execution, TaskIndex task, std::string reason);

/// The next try of a RETRYING run.
void Retry(ExecutionDraft& execution, TaskIndex task);

/// STOP: cancels the successor and kept starts, stops the current run. False: nothing to stop.
bool StopTask(ExecutionDraft& execution, TaskIndex task, const Why& why);

/// The successor never runs: it is STOPPED. REQUIRES: there is one.
void CancelSuccessor(ExecutionDraft& execution, TaskIndex task, const Why& why);

/// After a run ended: dispatches the successor, else the next kept start. No effect when neither
/// waits or the task was started again. REQUIRES: the execution is RUNNING.
void DispatchNext(ExecutionDraft& execution, TaskIndex task);

/// A run that somebody says has ended so, SUCCESS or FAILED: it has no process and is announced;
/// the rules have not seen it yet. `text` is for the record. REQUIRES: the task has no live run.
TaskExecutionRow& RecordRun(ExecutionDraft& execution, TaskIndex task, TaskStatus status,
                            std::string reason, std::string text);

}  // namespace aiflow
