#include "executor/routing/routing_executor.h"

#include <utility>

#include "base/check.h"
#include "executor/attempt_store.h"
#include "model/workflow_spec.h"
#include "runner/claim.h"

namespace aiflow {
namespace {

/// Whether the local executor has claimed the attempt, which is none of its own.
bool IsClaimedHere(const std::string& attempts_dir, const AttemptKey& key) {
  const auto record = runner::ReadClaim(AttemptDirectory(attempts_dir, key));
  return record.has_value() && !record->forgotten && record->claim.attempt == key.ToString();
}

}  // namespace

RoutingExecutor::RoutingExecutor(TaskExecutor& local, std::map<std::string, TaskExecutor*> others,
                                 RoutingExecutorOptions options)
    : local_(local), others_(std::move(others)), options_(std::move(options)) {
  CHECK(!others_.contains("") && !others_.contains(kLocalExecutor)) << "the local one's names";
}

TaskExecutor* RoutingExecutor::Named(const std::string& name) const {
  if (name.empty() || name == kLocalExecutor) return &local_;
  const auto found = others_.find(name);
  return found == others_.end() ? nullptr : found->second;
}

TaskExecutor* RoutingExecutor::Known(const AttemptKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(key.ToString());
  return found == live_.end() ? nullptr : found->second;
}

void RoutingExecutor::Remember(const AttemptKey& key, TaskExecutor* executor) {
  const std::lock_guard lock(mutex_);
  live_[key.ToString()] = executor;
}

Status RoutingExecutor::Distribute(std::vector<ExpectedAttempt> expected,
                                   std::map<TaskExecutor*, std::vector<ExpectedAttempt>>* shares) {
  std::map<std::string, std::pair<int64_t, std::string>> orphans;  // count and the first
  for (ExpectedAttempt& attempt : expected) {
    const std::string& name = attempt.spec.executor;
    TaskExecutor* executor = Named(name);
    // An attempt of another one that has a claim here was refused by an earlier server.
    if (executor != &local_ && IsClaimedHere(options_.attempts_dir, attempt.spec.key)) {
      executor = &local_;
    }
    if (executor == nullptr && options_.abandoned.contains(name)) {
      executor = &local_;
      attempt.status = TaskStatus::kQueued;
      attempt.stop = false;
      attempt.spec.refusal = "executor " + name + " was abandoned; the attempt may still run there";
    }
    if (executor == nullptr) {
      auto& [count, first] = orphans[name];
      if (count++ == 0) first = attempt.spec.key.ToString();
      continue;
    }
    Remember(attempt.spec.key, executor);
    (*shares)[executor].push_back(std::move(attempt));
  }
  if (orphans.empty()) return Status::Ok();
  const auto& [name, found] = *orphans.begin();
  return {Code::kFailedPrecondition,
          "executor " + name + " is not configured, and " + std::to_string(found.first) +
              " unfinished attempts are there (" + found.second +
              "): configure it under executors, or start once with --abandon-executor=" + name +
              ", which ends them FAILED here, whatever still runs there"};
}

Status RoutingExecutor::Open(Epoch epoch, std::vector<ExpectedAttempt> expected, ReportSink sink) {
  {
    const std::lock_guard lock(mutex_);
    live_.clear();
  }
  std::map<TaskExecutor*, std::vector<ExpectedAttempt>> shares;
  AIFLOW_RETURN_IF_ERROR(Distribute(std::move(expected), &shares));
  AIFLOW_RETURN_IF_ERROR(local_.Open(epoch, std::move(shares[&local_]), sink));
  for (const auto& [name, executor] : others_) {
    Status status = executor->Open(epoch, std::move(shares[executor]), sink);
    if (status.code() == Code::kAborted) return status;
    if (!status.ok()) options_.warn("executor " + name + ": " + status.message());
  }
  return Status::Ok();
}

void RoutingExecutor::Start(AttemptSpec spec) {
  TaskExecutor* executor = Known(spec.key);
  if (executor == nullptr) executor = Named(spec.executor);
  if (executor == nullptr) {
    executor = &local_;
    if (spec.refusal.empty()) {
      spec.refusal = "cannot start: executor " + spec.executor + " is not configured";
    }
    options_.warn("attempt " + spec.key.ToString() + ": executor " + spec.executor +
                  " is not configured");
  }
  Remember(spec.key, executor);
  executor->Start(std::move(spec));
}

void RoutingExecutor::Stop(const AttemptSpec& spec) {
  TaskExecutor* executor = Known(spec.key);
  if (executor == nullptr) executor = Named(spec.executor);
  if (executor == nullptr) executor = &local_;
  Remember(spec.key, executor);
  executor->Stop(spec);
}

void RoutingExecutor::Forget(const AttemptKey& key) {
  TaskExecutor* executor = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto found = live_.find(key.ToString());
    if (found != live_.end()) {
      executor = found->second;
      live_.erase(found);
    }
  }
  if (executor != nullptr) return executor->Forget(key);
  // Of an earlier server: whoever knows it forgets it.
  for (const auto& [name, other] : others_) other->Forget(key);
  local_.Forget(key);
}

int64_t RoutingExecutor::running() const {
  int64_t running = local_.running();
  for (const auto& [name, executor] : others_) running += executor->running();
  return running;
}

void RoutingExecutor::Close() {
  for (const auto& [name, executor] : others_) executor->Close();
  local_.Close();
}

}  // namespace aiflow
