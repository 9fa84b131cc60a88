#include "engine/engine_counters.h"

#include "model/status_changed.h"

namespace aiflow {

void EngineCounters::Note(const CommitNews& news, Millis now) {
  for (const Event& event : news.decided) {
    decided.Observe(now - event.create_time);
    if (event.kind != EventKind::kStatusChanged) continue;
    const auto status = StatusOf(event);
    if (!status.has_value()) continue;
    status_changes.at(static_cast<size_t>(*status)).fetch_add(1, std::memory_order_relaxed);
  }
  for (const ExecutionStatus status : news.ended) {
    ended_executions.at(static_cast<size_t>(status)).fetch_add(1, std::memory_order_relaxed);
  }
}

void EngineCounters::Note(const EngineStats& stats) {
  events.store(stats.events, std::memory_order_relaxed);
  commits.store(stats.commits, std::memory_order_relaxed);
  failed_commits.store(stats.failed_commits, std::memory_order_relaxed);
  dropped_reports.store(stats.dropped_reports, std::memory_order_relaxed);
}

}  // namespace aiflow
