#include "scheduler/hooks.h"

#include <algorithm>
#include <string>

#include "model/hook_call.h"
#include "model/limits.h"
#include "scheduler/requests/handlers.h"
#include "scheduler/timers/timers.h"

namespace aiflow {
namespace {

bool Wants(const HookSpec& hook, ExecutionStatus status) {
  return (status == ExecutionStatus::kFailed && hook.on_failure) ||
         (status == ExecutionStatus::kSuccess && hook.on_success);
}

/// Never ends within a UTF-8 character.
std::string Shorten(const std::string& text, size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

/// Before the try that follows `failed` ones.
Millis Delay(int64_t failed) {
  int64_t delay = limits::kFirstHookDelayMs;
  for (int64_t i = 1; i < failed && delay < limits::kMaxHookDelayMs; ++i) delay *= 2;
  return Millis(std::min(delay, limits::kMaxHookDelayMs));
}

/// The execution need not be in the state: causes are never read.
void Record(Draft& draft, const OutboxRow& row, CauseKind kind, std::string text) {
  CauseRow cause;
  cause.execution_id = row.attempt.execution;
  cause.offset = draft.offset();
  cause.task = -1;
  cause.kind = kind;
  cause.time = draft.now();
  cause.text = std::move(text);
  draft.Put(std::move(cause));
}

}  // namespace

void SendHooks(ExecutionDraft& execution) {
  const WorkflowSpec& spec = execution.workflow().spec();
  const ExecutionRow& row = execution.row();
  HookCall call;
  call.execution_id = row.id;
  call.workflow_id = row.workflow_id;
  call.ns = spec.ns;
  call.workflow = spec.name;
  call.status = row.status;
  call.reason = Shorten(row.reason, limits::kMaxHookReasonBytes);
  call.begin_ms = row.begin.count();
  call.end_ms = row.end.count();
  for (size_t i = 0; i < spec.hooks.size(); ++i) {
    if (!Wants(spec.hooks[i], row.status)) continue;
    call.command = spec.hooks[i].command;
    call.url = spec.hooks[i].url;
    execution.draft().SendHook(row.id, static_cast<int32_t>(i), FormatHookCall(call));
  }
}

void DropHooks(Draft& draft, const std::set<ExecutionId>& executions) {
  for (const auto& [id, row] : draft.state().outbox) {
    if (row.kind == OutboxKind::kHook && executions.contains(row.attempt.execution)) {
      draft.Put(EraseOutbox{id});
    }
  }
}

void DropHooks(Draft& draft, WorkflowId workflow) {
  for (const auto& [id, row] : draft.state().outbox) {
    if (row.kind != OutboxKind::kHook) continue;
    const Result<HookCall> call = ParseHookCall(row.publish.context);
    if (call.has_value() && call->workflow_id == workflow) draft.Put(EraseOutbox{id});
  }
}

std::set<ExecutionId> ExecutionsWithHooks(const Draft& draft) {
  std::set<ExecutionId> executions;
  for (const auto& [id, row] : draft.state().outbox) {
    if (row.kind == OutboxKind::kHook) executions.insert(row.attempt.execution);
  }
  return executions;
}

void FireHook(Draft& draft, const TimerFired& timer) {
  OutboxRow row = draft.state().outbox.at(OutboxId(timer.owner));
  row.due = Millis(0);
  draft.Put(std::move(row));
}

void Handle(Draft& draft, const HookResult& request) {
  const auto found = draft.state().outbox.find(OutboxId(request.outbox_id));
  // Deleted meanwhile, or told twice.
  if (found == draft.state().outbox.end() || found->second.kind != OutboxKind::kHook ||
      found->second.tries != request.tries || found->second.due != Millis(0)) {
    return draft.Reply(Code::kOk, "stale");
  }
  OutboxRow row = found->second;
  const std::string hook = "hook " + std::to_string(row.question + 1);
  const std::string tries = std::to_string(++row.tries);
  if (request.error.empty()) {
    Record(draft, row, CauseKind::kHook, hook + " was delivered at try " + tries);
    draft.Put(EraseOutbox{row.id});
    return draft.Reply(Code::kOk, "delivered");
  }
  const std::string failed =
      hook + " failed at try " + tries + ": " + Shorten(request.error, limits::kMaxErrorBytes);
  if (row.tries >= limits::kMaxHookTries) {
    Record(draft, row, CauseKind::kAlarm, failed + "; given up: nobody was told");
    draft.Put(EraseOutbox{row.id});
    return draft.Reply(Code::kOk, "given up");
  }
  const Millis delay = Delay(row.tries);
  row.due = draft.now() + delay;
  Record(draft, row, CauseKind::kHook,
         failed + "; tried again in " + std::to_string(delay.count()) + " ms");
  draft.Put(std::move(row));
  draft.Reply(Code::kOk, "tried again later");
}

}  // namespace aiflow
