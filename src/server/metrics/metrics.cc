#include "server/metrics/metrics.h"

#include <future>
#include <memory>
#include <optional>
#include <string_view>

#include "model/execution_status.h"
#include "model/task_status.h"
#include "scheduler/census.h"
#include "server/metrics/executor_metrics.h"
#include "server/metrics/metric_page.h"

namespace aiflow::server {
namespace {

constexpr std::chrono::seconds kEnginePatience{1};

void AddEngine(const MetricSources& sources, MetricPage& page) {
  const EngineLoop& engine = sources.engine;
  const EngineCounters& counters = engine.counters();
  // In this order, so that the lag is never negative.
  const Offset committed = engine.committed();
  const Offset head = sources.server.log.head();
  page.Gauge("aiflow_engine_ready", "1 when the engine decides events.",
             engine.NotReadyReason().empty() ? 1 : 0);
  page.Gauge("aiflow_engine_epoch", "Number of the lease.", Number(engine.epoch()));
  page.Gauge("aiflow_engine_committed_offset", "Offset of the last event decided and committed.",
             Number(committed));
  page.Gauge("aiflow_engine_lag_events", "Events in the log that are not decided yet.",
             Number(head - committed));
  page.Gauge("aiflow_engine_waiting_requests", "Calls that wait for the engine's answer.",
             Number(engine.waiting_requests()));
  page.Counter("aiflow_engine_events_total", "Events decided.", Number(counters.events));
  page.Counter("aiflow_engine_commits_total", "Commits.", Number(counters.commits));
  page.Counter("aiflow_engine_failed_commits_total", "Commits that failed and were settled.",
               Number(counters.failed_commits));
  page.Counter("aiflow_engine_dropped_reports_total",
               "Reports of attempts that nobody expects, or with a wrong token.",
               Number(counters.dropped_reports));
  page.Histogram("aiflow_engine_batch_seconds",
                 "Duration of a batch: read, decide, commit and hand out.", counters.batch);
  page.Histogram("aiflow_engine_commit_seconds", "Duration of a commit to the store.",
                 sources.store.commits());
  page.Histogram("aiflow_engine_decision_delay_seconds",
                 "From the time of an event in the log until it is decided and committed.",
                 counters.decided);
  for (size_t i = 0; i < counters.status_changes.size(); ++i) {
    const auto status = static_cast<TaskStatus>(i);
    if (!IsAnnounced(status)) continue;
    page.Counter("aiflow_task_status_changes_total", "Announced changes of the status of a task.",
                 Number(counters.status_changes.at(i)),
                 {{"status", std::string(TaskStatusName(status))}});
  }
  for (size_t i = 0; i < counters.ended_executions.size(); ++i) {
    const auto status = static_cast<ExecutionStatus>(i);
    if (!IsFinished(status)) continue;
    page.Counter("aiflow_workflow_executions_ended_total", "Workflow executions that have ended.",
                 Number(counters.ended_executions.at(i)),
                 {{"status", std::string(ExecutionStatusName(status))}});
  }
}

std::string_view OutboxKindName(size_t kind) {
  switch (static_cast<OutboxKind>(kind)) {
    case OutboxKind::kStartAttempt: return "start";
    case OutboxKind::kStopAttempt: return "stop";
    case OutboxKind::kPublish: return "announcement";
    case OutboxKind::kEvaluate: return "question";
    case OutboxKind::kHook: return "hook";
  }
  return "other";
}

/// What the engine's thread counts for us; nothing when it has no time.
std::optional<Census> AskForCensus(EngineLoop& engine) {
  const auto answer = std::make_shared<std::promise<std::optional<Census>>>();
  std::future<std::optional<Census>> census = answer->get_future();
  engine.Read([answer](const Result<const State*>& state) {
    answer->set_value(state.has_value() ? std::optional<Census>(TakeCensus(**state))
                                        : std::nullopt);
  });
  if (census.wait_for(kEnginePatience) != std::future_status::ready) return std::nullopt;
  return census.get();
}

void AddCounts(const Census& census, MetricPage& page) {
  for (size_t i = 0; i < census.executions.size(); ++i) {
    const auto status = static_cast<ExecutionStatus>(i);
    if (IsFinished(status)) continue;
    page.Gauge("aiflow_workflow_executions", "Workflow executions that have not ended.",
               Number(census.executions.at(i)),
               {{"status", std::string(ExecutionStatusName(status))}});
  }
  for (size_t i = 0; i < census.runs.size(); ++i) {
    const auto status = static_cast<TaskStatus>(i);
    if (IsFinished(status)) continue;
    page.Gauge("aiflow_task_executions", "Task executions that have not ended.",
               Number(census.runs.at(i)), {{"status", std::string(TaskStatusName(status))}});
  }
  for (size_t i = 0; i < census.outbox.size(); ++i) {
    page.Gauge("aiflow_engine_outbox_rows", "What is committed and not yet acknowledged.",
               Number(census.outbox.at(i)), {{"kind", std::string(OutboxKindName(i))}});
  }
  page.Counter("aiflow_workflow_executions_created_total",
               "Workflow executions made in the life of the home.", Number(census.executions_ever));
  page.Counter("aiflow_task_executions_created_total",
               "Task executions made in the life of the home.", Number(census.runs_ever));
  page.Gauge("aiflow_namespaces", "Namespaces.", Number(census.namespaces));
  page.Gauge("aiflow_workflows", "Workflows.", Number(census.workflows));
  page.Gauge("aiflow_schedules", "Schedules.", Number(census.schedules));
  page.Gauge("aiflow_triggers", "Triggers.", Number(census.triggers));
  page.Gauge("aiflow_engine_timers", "Timers that are set.", Number(census.timers));
  page.Gauge("aiflow_tasks_waiting_for_slot", "Task executions that wait for a slot.",
             Number(census.waiting_runs));
  page.Gauge("aiflow_condition_questions", "Questions about user-written conditions in flight.",
             Number(census.questions));
  page.Gauge("aiflow_failed_events", "Failed events that wait for an operator.",
             Number(census.failed_events));
  page.Gauge("aiflow_quarantined_events", "Failed events at which servers have died.",
             Number(census.quarantined));
  page.Gauge("aiflow_suspended", "Executions and workflows that hold their events.",
             Number(census.suspended));
  for (const auto& [name, pool] : census.pools) {
    page.Gauge("aiflow_pool_slots", "Slots of a pool.", Number(pool.slots), {{"pool", name}});
  }
  for (const auto& [name, pool] : census.pools) {
    page.Gauge("aiflow_pool_used_slots", "Slots of a pool in use.", Number(pool.used),
               {{"pool", name}});
  }
}

void AddRunner(const LocalExecutor& executor, MetricPage& page) {
  const LocalExecutorUse use = executor.use();
  page.Gauge("aiflow_runner_connected", "1 when the runner is connected.", use.connected ? 1 : 0);
  page.Gauge("aiflow_runner_unreachable_seconds", "How long no runner could be reached.",
             Number(use.unreachable));
  page.Gauge("aiflow_runner_attempts", "Attempts of tasks handed over and not yet forgotten.",
             Number(use.attempts));
  page.Gauge("aiflow_runner_running_attempts", "Attempts of tasks that run.", Number(use.running));
  page.Counter("aiflow_runner_starts_total", "Attempts handed over to be started.",
               Number(executor.counters().starts));
  page.Counter("aiflow_runner_connections_total", "Connections made to runners.",
               Number(executor.counters().connections));
  page.Histogram("aiflow_runner_start_seconds",
                 "From the order to start an attempt until it is known to run.",
                 executor.counters().start);
}

void AddHosts(const hosts::HostPoolStats& stats, MetricPage& page) {
  page.Gauge("aiflow_condition_hosts", "Processes that evaluate conditions.", Number(stats.hosts));
  page.Gauge("aiflow_condition_hosts_busy", "Of these, those with a question.", Number(stats.busy));
  page.Gauge("aiflow_condition_questions_waiting", "Questions that wait for a host.",
             Number(stats.waiting));
  page.Counter("aiflow_condition_host_starts_total", "Hosts started.", Number(stats.starts));
  page.Counter("aiflow_condition_answers_total", "Answers of hosts.", Number(stats.answers));
  page.Counter("aiflow_condition_timeouts_total", "Hosts killed as they took too long.",
               Number(stats.timeouts));
  page.Counter("aiflow_condition_failures_total",
               "Attempts that ended by a hang, death or nonsense of a host.",
               Number(stats.failures));
  page.Counter("aiflow_condition_given_up_total", "Questions that failed for good.",
               Number(stats.given_up));
}

void AddStore(const MetricSources& sources, MetricPage& page) {
  std::filesystem::path wal = sources.database;
  wal += "-wal";
  const std::string help = "Size of the files of the metadata.";
  page.Gauge("aiflow_store_size_bytes", help, FileSize(sources.database), {{"file", "database"}});
  page.Gauge("aiflow_store_size_bytes", help, FileSize(wal), {{"file", "wal"}});
}

/// Of a blob store on another machine.
void AddBlobs(const BlobStorageUse& use, MetricPage& page) {
  if (!use.remote) return;
  page.Gauge("aiflow_blob_store_away", "1 when its last operation got no answer.",
             use.away.empty() ? 0 : 1);
  page.Counter("aiflow_blob_store_requests_total", "Requests to the blob store, each try.",
               Number(use.requests));
  page.Counter("aiflow_blob_store_retries_total", "Requests that were tried again.",
               Number(use.retries));
  page.Counter("aiflow_blob_store_given_up_total",
               "Operations on the blob store that ended without an answer.", Number(use.given_up));
  page.Counter("aiflow_blob_cache_hits_total", "Blobs read from their copy in the home.",
               Number(use.cache_hits));
  page.Counter("aiflow_blob_cache_misses_total", "Blobs fetched from the blob store.",
               Number(use.cache_misses));
  page.Gauge("aiflow_blob_cache_bytes", "Size of the copies of blobs.", Number(use.cache_bytes));
}

}  // namespace

std::string Metrics::Text() const {
  MetricPage page;
  AddLogServer(sources_.server, page);
  AddEngine(sources_, page);
  if (const auto census = AskForCensus(sources_.engine)) AddCounts(*census, page);
  AddRunner(sources_.executor, page);
  AddPlugins(sources_.plugins(), page);
  AddHosts(sources_.hosts(), page);
  AddStore(sources_, page);
  AddBlobs(sources_.blobs(), page);
  return page.Text();
}

}  // namespace aiflow::server
