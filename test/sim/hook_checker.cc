#include "hook_checker.h"

#include <algorithm>

namespace aiflow::sim {
namespace {

std::string Text(ExecutionId id) { return "execution " + std::to_string(id.value()); }

bool Wants(const HookSpec& hook, ExecutionStatus end) {
  if (end == ExecutionStatus::kFailed) return hook.on_failure;
  return end == ExecutionStatus::kSuccess && hook.on_success;
}

}  // namespace

void HookChecker::BeginBatch() {
  ends_.clear();
  to_tell_.clear();
  erased_.clear();
  given_up_.clear();
}

void HookChecker::Ended(const ExecutionRow& row, const WorkflowSpec& spec, bool again) {
  for (size_t i = 0; i < spec.hooks.size(); ++i) {
    if (!Wants(spec.hooks[i], row.status)) continue;
    ends_.emplace(row.id, static_cast<int32_t>(i), row.status, row.end.count());
    if (again) chaos_.Meet(Met::kHookOfReopened);
  }
}

void HookChecker::Take(const CauseRow& row) {
  if (row.kind == CauseKind::kAlarm && row.text.find("given up") != std::string::npos) {
    given_up_.insert(row.execution_id);
  }
}

void HookChecker::Take(const OutboxRow& row) {
  if (row.kind != OutboxKind::kHook) return;
  const Result<HookCall> call = ParseHookCall(row.publish.context);
  if (!call.has_value()) return chaos_.Fail("a hook's call cannot be read");
  const auto [hook, fresh] = hooks_.try_emplace(row.id, Hook{*call});
  if (!fresh) {
    if (hook->second.erased || hook->second.call != *call) {
      chaos_.Fail("hook row " + std::to_string(row.id.value()) + " becomes another");
    }
    return;
  }
  if (call->execution_id != row.attempt.execution) chaos_.Fail("a hook tells of another execution");
  to_tell_.emplace(call->execution_id, row.question, call->status, call->end_ms);
}

void HookChecker::Take(const EraseOutbox& erase) {
  if (hooks_.contains(erase.id)) erased_.insert(erase.id);
}

void HookChecker::EndBatch(const std::set<ExecutionId>& gone) {
  if (ends_ != to_tell_) {
    chaos_.Fail(std::to_string(ends_.size()) + " ends want to be told, and " +
                std::to_string(to_tell_.size()) + " hooks are committed with them");
  }
  for (const OutboxId id : erased_) {
    Hook& hook = hooks_.at(id);
    hook.erased = true;
    const ExecutionId execution = hook.call.execution_id;
    if (gone.contains(execution)) {
      chaos_.Meet(Met::kHookDropped);
    } else if (const auto alarm = given_up_.find(execution); alarm != given_up_.end()) {
      given_up_.erase(alarm);
      chaos_.Meet(Met::kHookGivenUp);
    } else if (hook.told == 0) {
      chaos_.Fail("hook " + std::to_string(id.value()) + " of " + Text(execution) +
                  " is erased, and nobody was told");
    } else {
      chaos_.Meet(Met::kHookDelivered);
    }
  }
  for (const auto& [id, hook] : hooks_) {
    if (!hook.erased && gone.contains(hook.call.execution_id)) {
      chaos_.Fail(Text(hook.call.execution_id) + " is removed while a hook is to be told");
    }
  }
}

void HookChecker::OnTold(const HookDelivery& delivery) {
  const auto hook = hooks_.find(delivery.id);
  if (hook == hooks_.end()) {
    return chaos_.Fail("hook " + delivery.key + " is told before the commit of its end");
  }
  if (hook->second.call != delivery.call) {
    chaos_.Fail("hook " + delivery.key + " tells of another end: " + delivery.call.Message());
  }
  const auto [key, fresh] = keys_.try_emplace(delivery.id, delivery.key);
  if (key->second != delivery.key) {
    chaos_.Fail("one end is told as " + key->second + " and as " + delivery.key);
  }
  if (fresh && !used_keys_.insert(delivery.key).second) {
    chaos_.Fail("two ends are told as " + delivery.key);
  }
  chaos_.Note("told " + delivery.key + ": " + delivery.call.Message());
  chaos_.Meet(++hook->second.told > 1 ? Met::kHookToldAgain : Met::kHookTold);
}

bool HookChecker::has_hooks() const {
  return std::ranges::any_of(hooks_, [](const auto& entry) { return !entry.second.erased; });
}

}  // namespace aiflow::sim
