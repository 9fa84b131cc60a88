#include "server/server.h"

#include <spdlog/logger.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "api/backend.h"
#include "api/grpc/grpc_server.h"
#include "api/http/http_server.h"
#include "api/rest/transcoder.h"
#include "bundle/unpack.h"
#include "engine/engine.h"
#include "engine/engine_loop.h"
#include "eventlog/log_service.h"
#include "executor/local/runner_connection.h"
#include "hosts/host_loop.h"
#include "model/limits.h"
#include "server/admitted_blobs.h"
#include "server/attempt_planner.h"
#include "server/blob_storage.h"
#include "server/blob_store_config.h"
#include "server/doors.h"
#include "server/executor_config.h"
#include "server/executor_pools.h"
#include "server/executors.h"
#include "server/hook_runner.h"
#include "server/host_planner.h"
#include "server/http_door.h"
#include "server/legacy_compiler.h"
#include "server/log_source.h"
#include "server/metrics/metrics.h"
#include "server/metrics/timed_store.h"
#include "server/port_reservation.h"
#include "server/retention.h"
#include "server/retention_files.h"
#include "server/server_main.h"
#include "server/watch_disk.h"
#include "storage/segments/segment_log.h"
#include "storage/sqlite/sqlite_store.h"

namespace aiflow::server {
namespace {

constexpr std::chrono::milliseconds kCallGrace{300};
/// A store that somebody holds locked keeps no server from stopping.
constexpr Millis kCatchUpPatience{5'000};
/// A blob store that is away for longer keeps a server from starting. Each try in this time takes
/// as long as the blob store's own limits allow.
constexpr std::chrono::seconds kBlobStorePatience{60};
/// A store that takes longer than this for the first commit is taken for broken.
constexpr std::chrono::seconds kFirstCommit{60};

/// What tasks on this machine connect to.
std::string LocalHost(const std::string& host) {
  if (host == "0.0.0.0") return "127.0.0.1";
  return host == "::" ? "::1" : host;
}

/// The log, as retention sees it.
class ServedLog final : public RetentionLog {
 public:
  /// Of a remote log the age of events is its own server's matter; here it is told only what is not
  /// needed any more.
  ServedLog(LogService& log, bool remote) : log_(log), remote_(remote) {}
  Offset First() const override { return log_.first(); }
  Result<Offset> OffsetBefore(Millis time) const override {
    return remote_ ? log_.head() : log_.OffsetBefore(time);
  }
  void DropBefore(Offset offset, std::function<void(Result<Offset>)> done) override {
    log_.DropBefore(offset, std::move(done));
  }

 private:
  LogService& log_;
  const bool remote_;
};

/// Names the role and the option that chooses another port.
Status PortError(const Status& status, const std::string& role, const std::string& option) {
  return {status.code(), "the " + role + " " + status.message() +
                             "; stop what uses that port, or choose another with " + option +
                             " (or all with --port-offset)"};
}

struct Ports {
  PortReservation rpc;
  PortReservation notification;
  PortReservation http;
  std::optional<PortReservation> internal_rpc;
};

/// `before`: the address of this role at the home's last server; may be empty.
Status TakePort(const std::string& host, int port, const std::string& before,
                const std::string& role, const std::string& option, PortReservation* reservation) {
  Result<PortReservation> taken = PortReservation::TakeAgain(host, port, PortOf(before));
  if (!taken.has_value()) return PortError(taken.error(), role, option);
  *reservation = *std::move(taken);
  return Status::Ok();
}

}  // namespace

/// The parts, each made after what it needs, so that they go in the reverse order.
class Server::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)) {}
  ~Impl() { Stop(); }

  Status Start();
  void Stop();
  int64_t StopTasks(Millis patience);

  std::string server_uri() const { return HostPort(host(), ports_.rpc.port()); }
  std::string notification_uri() const {
    if (log_source_ == LogSource::kRemote) return options_.config.notification_server_uri;
    return HostPort(host(), ports_.notification.port());
  }
  std::string http_url() const {
    const bool tls = !options_.config.tls_certificate_file.empty();
    return (tls ? "https://" : "http://") + HostPort(host(), ports_.http.port());
  }
  int64_t running() const { return executors_.has_value() ? executors_->running() : 0; }
  std::string MetricsText() const { return metrics_->Text(); }
  Readiness CheckReadiness() const;

 private:
  std::string host() const { return LocalHost(options_.listeners.host); }
  /// Of what the server starts: its own, and how to get in at a remote notification server.
  std::map<std::string, std::string> Environment() const;
  Status TakePorts();
  Status LockHome();
  Status OpenStores();
  Status OpenLog();
  Status StartEngine();
  /// Starts the engine, also when what it needs from the blob store takes a while.
  Status Recover();
  void MakeCompiler();
  void MakeExecutors(const StoreMeta& meta);
  /// The executors' pools have as many slots as the configuration says.
  Status SetParallelism();
  /// Empty when ready; else why not.
  std::string NotReadyReason() const;
  Status OpenPorts();
  Status OpenHttp();
  Status OpenGrpc();
  void StartRetention();
  void MakeMetrics();
  void EndRunner();
  std::string LogPath(const WorkflowRow& workflow, const TaskExecutionRow& run) const;
  /// Waits until what is in the log by now has been decided, or until `patience` is over.
  void CatchUp(Millis patience) const;
  Result<std::vector<ExecutionId>> ExecutionsWithLiveTasks() const;

  Options options_;
  Ports ports_;
  std::optional<sqlite::HomeLock> lock_;
  std::unique_ptr<DiskWatch> disk_;
  LogSource log_source_ = LogSource::kEmbedded;
  std::unique_ptr<SegmentLog> log_;                  // embedded
  std::unique_ptr<api::RemoteEventLog> remote_log_;  // remote
  std::unique_ptr<LogService> log_service_;
  std::unique_ptr<SqliteStore> store_;
  std::optional<TimedStore> timed_store_;
  std::unique_ptr<BlobStorage> blobs_;
  std::optional<AdmittedBlobs> admitted_blobs_;
  std::optional<BundleDirectory> bundles_;
  std::optional<LocalAttemptPlanner> planner_;
  std::optional<Executors> executors_;
  std::unique_ptr<HookRunner> hooks_;
  std::optional<LocalHostPlanner> host_planner_;
  std::unique_ptr<hosts::HostLoop> hosts_;
  std::unique_ptr<LegacyCompiler> compiler_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<EngineLoop> loop_;
  api::CallCounts calls_;
  HttpCounts requests_;
  std::optional<Metrics> metrics_;
  Offset recover_from_ = 0;  // committed when the engine started
  Offset recover_to_ = 0;    // the head of the log then
  std::optional<ServedLog> served_log_;
  std::optional<HomeFiles> files_;
  std::unique_ptr<Retention> retention_;
  std::optional<api::SpecCache> specs_;
  std::optional<api::ObserverLoop> observers_;
  std::optional<api::Backend> backend_;
  std::unique_ptr<Doors> doors_;
  std::unique_ptr<api::GrpcServer> notification_server_;
  std::unique_ptr<api::GrpcServer> scheduler_server_;
  std::unique_ptr<api::GrpcServer> heartbeat_server_;
  std::unique_ptr<api::rest::Transcoder> rest_;
  std::unique_ptr<api::HttpServer> http_server_;
  bool stopped_ = false;
};

std::map<std::string, std::string> Server::Impl::Environment() const {
  std::map<std::string, std::string> environment = ProcessEnvironment();
  if (log_source_ != LogSource::kRemote) return environment;
  for (const auto& [name, value] : NotificationVariables(options_.config)) {
    environment[name] = value;
  }
  return environment;
}

Status Server::Impl::TakePorts() {
  const Listeners& wanted = options_.listeners;
  const Endpoints before = LastEndpoints(options_.home.root());
  AIFLOW_RETURN_IF_ERROR(
      TakePort(wanted.host, wanted.rpc, before.server_uri, "scheduler", "--rpc-port", &ports_.rpc));
  if (log_source_ == LogSource::kEmbedded) {
    AIFLOW_RETURN_IF_ERROR(TakePort(wanted.host, wanted.notification, before.notification_uri,
                                    "notification service", "--notification-port",
                                    &ports_.notification));
  }
  AIFLOW_RETURN_IF_ERROR(TakePort(wanted.host, wanted.http, before.http_url, "HTTP port",
                                  "--http-port", &ports_.http));
  if (wanted.internal_rpc < 0) return Status::Ok();
  return TakePort(wanted.host, wanted.internal_rpc, "", "heartbeat service", "--internal-rpc-port",
                  &ports_.internal_rpc.emplace());
}

Status Server::Impl::LockHome() {
  const Home& home = options_.home;
  AIFLOW_RETURN_IF_ERROR(home.Make());
  Result<sqlite::HomeLock> lock = home.Lock();
  if (!lock.has_value()) {
    // Told apart from a home that cannot be used at all.
    return {Code::kUnavailable, "home " + home.root().string() + ": " + lock.error().message()};
  }
  lock_.emplace(*std::move(lock));
  return options_.home_taken == nullptr ? Status::Ok() : options_.home_taken();
}

Status Server::Impl::OpenLog() {
  LogServiceOptions service;
  service.admit = [this](Admission admission, size_t bytes) {
    return disk_->Admit(admission, bytes);
  };
  if (log_source_ == LogSource::kRemote) {
    auto log = OpenRemoteLog(options_.config, *store_);
    if (!log.has_value()) return log.error();
    remote_log_ = *std::move(log);
    service.shared = true;
    log_service_ = std::make_unique<LogService>(*remote_log_, std::move(service));
    remote_log_->Follow([this] { log_service_->Refresh(); });
    return Status::Ok();
  }
  SegmentLogOptions options;
  options.idempotence_window = options_.config.idempotence_window_ms();
  auto log =
      SegmentLog::Open(PosixFileSystem(), SystemClock(), options_.home.log().string(), options);
  if (!log.has_value()) return log.error();
  log_ = *std::move(log);
  log_service_ = std::make_unique<LogService>(*log_, std::move(service));
  return Status::Ok();
}

Status Server::Impl::OpenStores() {
  const Home& home = options_.home;
  disk_ = WatchDisk(home.root(), options_.config.disk_reserve_bytes(),
                    "new events, uploads and starts", options_.logger);
  SqliteOptions sqlite;
  sqlite.upgrade = true;
  auto store = SqliteStore::Open(home.metadata(), sqlite);
  if (!store.has_value()) return store.error();
  store_ = *std::move(store);
  timed_store_.emplace(*store_, SystemClock());
  auto blobs = BlobStorage::Open(home, options_.config);
  if (!blobs.has_value()) return blobs.error();
  blobs_ = *std::move(blobs);
  admitted_blobs_.emplace(blobs_->store(), *disk_);
  bundles_.emplace(home.snapshots(), blobs_->prompt());
  return OpenLog();
}

Status Server::Impl::StartEngine() {
  const Home& home = options_.home;
  const Result<StoreMeta> meta = store_->Meta();
  if (!meta.has_value()) return meta.error();
  planner_.emplace(home, LocalAttemptPlanner::Addresses{notification_uri(), server_uri()},
                   *bundles_, AttemptTokens(meta->secret),
                   PythonInterpreter(options_.config.python_executable, AskPythonVersion));

  MakeExecutors(*meta);

  HookRunnerOptions hooks;
  hooks.directory = home.root();
  hooks.logs = home.hook_logs();
  hooks.timeout = options_.config.hook_timeout_ms();
  hooks.environment = Environment();
  hooks_ = std::make_unique<HookRunner>(std::move(hooks));
  host_planner_.emplace(home, LocalAttemptPlanner::Addresses{notification_uri(), server_uri()},
                        *bundles_, blobs_->store(),
                        PythonInterpreter(options_.config.python_executable, AskPythonVersion),
                        Environment());
  hosts::HostPoolOptions pool;
  pool.hosts = options_.config.condition_hosts;
  pool.timeout = std::chrono::seconds(options_.config.condition_timeout);
  pool.start_timeout = std::max<std::chrono::milliseconds>(pool.timeout, pool.start_timeout);
  pool.attempts = options_.config.condition_attempts;
  hosts_ = std::make_unique<hosts::HostLoop>(*host_planner_, pool);

  EngineOptions engine;
  engine.holder = "pid " + std::to_string(getpid());
  engine.warn = [logger = options_.logger](const std::string& line) { logger->warn("{}", line); };
  engine_ = std::make_unique<Engine>(*log_service_, *timed_store_, blobs_->prompt(),
                                     executors_->all(), *planner_, std::move(engine));
  engine_->SetHookSender(*hooks_);
  engine_->SetEvaluator(*hosts_, *store_);
  loop_ = std::make_unique<EngineLoop>(*engine_, *log_service_, *store_, EngineLoopOptions{},
                                       options_.failed);
  AIFLOW_RETURN_IF_ERROR(Recover());
  recover_from_ = loop_->committed();
  recover_to_ = log_service_->head();
  MakeMetrics();
  return SetParallelism();
}

Status Server::Impl::Recover() {
  // What is read from the blob store now may take its time: no task waits yet.
  blobs_->SetPatient(true);
  const auto end = SystemClock().Monotonic() + BlobStoreLimits(options_.config).total;
  Status started = loop_->Start();
  while (started.code() == Code::kDeadlineExceeded && SystemClock().Monotonic() < end) {
    options_.logger->warn("cannot start yet: {}; trying again", started.message());
    started = loop_->Start();
  }
  blobs_->SetPatient(false);
  if (started.code() != Code::kDeadlineExceeded) return started;
  return {Code::kDeadlineExceeded, "the server cannot start without what is in the blob store: " +
                                       started.message() + "; then start it again"};
}

void Server::Impl::MakeExecutors(const StoreMeta& meta) {
  const Home& home = options_.home;
  const Config& config = options_.config;
  Executors::Settings settings{.home = home};
  LocalExecutorOptions& local = settings.local;
  local.runner.binary = options_.runner_binary;
  local.runner.dir = home.runner().string();
  local.attempts_dir = home.attempts().string();
  local.parallelism = limits::kMaxPoolSlots;  // the scheduler hands out the slots: SetParallelism
  local.environment = Environment();
  local.log_max_bytes = config.task_log_max_size();
  settings.plugins = PluginExecutors(config, home.root());
  // Another one in a restored home, beside which the first may go on.
  settings.home_id = Sha256Hex(meta.secret + log_service_->log_id()).substr(0, 16);
  settings.environment = Environment();
  settings.abandoned = options_.abandoned_executors;
  settings.warn = [logger = options_.logger](const std::string& line) { logger->warn("{}", line); };
  executors_.emplace(std::move(settings));
}

void Server::Impl::MakeMetrics() {
  metrics_.emplace(MetricSources{.server = {.version = Version(),
                                            .log_directory = options_.home.log(),
                                            .log = *log_service_,
                                            .disk = *disk_,
                                            .calls = calls_,
                                            .requests = requests_},
                                 .database = options_.home.metadata(),
                                 .engine = *loop_,
                                 .store = *timed_store_,
                                 .executor = executors_->local(),
                                 .plugins = [this] { return executors_->PluginUses(); },
                                 .hosts = [this] { return hosts_->stats(); },
                                 .blobs = [this] { return blobs_->use(); }});
}

Readiness Server::Impl::CheckReadiness() const {
  return JudgeReadiness({.engine = NotReadyReason(),
                         .recover_from = recover_from_,
                         .recover_to = recover_to_,
                         .committed = loop_->committed(),
                         .runner_away = executors_->local().use().unreachable,
                         .disk = disk_->Look(),
                         .hosts = hosts_->stats(),
                         .executors = executors_->Warnings(),
                         .blob_store = blobs_->use().away});
}

void Server::Impl::MakeCompiler() {
  LegacyCompilerOptions options;
  // An old client does not tell its interpreter.
  options.interpreter = [python = std::make_shared<PythonInterpreter>(
                             options_.config.python_executable, AskPythonVersion)] {
    return python->For(HostSpec{});
  };
  options.environment = Environment();
  options.environment["AIFLOW_HOME"] = options_.home.root().string();
  options.environment["AIFLOW_NOTIFICATION_URI"] = notification_uri();
  options.environment["AIFLOW_SERVER_URI"] = server_uri();
  options.directory = options_.home.root();
  options.timeout = options_.config.compile_timeout_ms();
  compiler_ = std::make_unique<LegacyCompiler>(*admitted_blobs_, *bundles_, std::move(options));
}

Status Server::Impl::SetParallelism() {
  const Config& config = options_.config;
  return SetExecutorPools(*store_, *loop_, EveryExecutor(config, options_.home.root()),
                          DefaultExecutor(config), kFirstCommit);
}

std::string Server::Impl::NotReadyReason() const {
  if (remote_log_ != nullptr) {
    if (std::string reason = remote_log_->AwayReason(); !reason.empty()) return reason;
  }
  return loop_->NotReadyReason();
}

std::string Server::Impl::LogPath(const WorkflowRow& workflow, const TaskExecutionRow& run) const {
  std::string path = executors_->all().LogPath(run.attempt());
  return path.empty() ? options_.home.LogLink(workflow, run).string() : path;
}

Status Server::Impl::OpenPorts() {
  specs_.emplace(blobs_->store());
  observers_.emplace();
  backend_.emplace(*log_service_, *loop_, *store_, *admitted_blobs_, *specs_, *observers_);
  MakeCompiler();
  backend_->compiler = compiler_.get();
  backend_->log_path = [this](const WorkflowRow& workflow, const TaskExecutionRow& run) {
    return LogPath(workflow, run);
  };
  backend_->working_dir = [this](const WorkflowRow& workflow, ExecutionId execution) {
    return options_.home.WorkingDir(workflow, execution).string();
  };
  backend_->unpack_bundle = [this](const std::string& digest) -> Result<std::string> {
    auto directory = bundles_->Get(digest, blobs_->store());
    if (!directory.has_value()) return Error(directory.error());
    return directory->string();
  };
  // What names no zone is in UTC anyway; a snapshot need not say so.
  if (options_.config.default_timezone != "UTC") {
    backend_->default_timezone = options_.config.default_timezone;
  }
  backend_->version = Version();
  backend_->home = options_.home.root().string();
  backend_->notification_uri = notification_uri();

  AIFLOW_RETURN_IF_ERROR(OpenGrpc());
  return OpenHttp();
}

Status Server::Impl::OpenGrpc() {
  auto doors = Doors::Make(
      DoorsOf(options_.home, options_.config), options_.listeners.insecure,
      [logger = options_.logger](const std::string& line) { logger->warn("{}", line); });
  if (!doors.has_value()) return doors.error();
  doors_ = *std::move(doors);
  const auto door = [this](PortReservation& port, const char* name) {
    return doors_->Open(port, name, &calls_);
  };
  auto notification =
      log_source_ == LogSource::kRemote
          ? api::GrpcServer::StartInProcess(*log_service_, &calls_)
          : door(ports_.notification, kNotificationSocket).and_then([this](api::GrpcDoor&& opened) {
              return api::GrpcServer::StartNotification(*log_service_, std::move(opened));
            });
  if (!notification.has_value()) {
    return PortError(notification.error(), "notification service", "--notification-port");
  }
  notification_server_ = *std::move(notification);
  auto scheduler = door(ports_.rpc, kSchedulerSocket).and_then([this](api::GrpcDoor&& opened) {
    return api::GrpcServer::StartScheduler(*backend_, std::move(opened));
  });
  if (!scheduler.has_value()) return PortError(scheduler.error(), "scheduler", "--rpc-port");
  scheduler_server_ = *std::move(scheduler);
  if (ports_.internal_rpc.has_value()) {
    auto heartbeat = door(*ports_.internal_rpc, "").and_then([](api::GrpcDoor&& opened) {
      return api::GrpcServer::StartHeartbeat(std::move(opened));
    });
    if (!heartbeat.has_value()) {
      return PortError(heartbeat.error(), "heartbeat service", "--internal-rpc-port");
    }
    heartbeat_server_ = *std::move(heartbeat);
  }
  return Status::Ok();
}

Status Server::Impl::OpenHttp() {
  const Listeners& wanted = options_.listeners;
  auto rest = api::rest::Transcoder::Make(
      {{"aiflow.v1.Orchestrator", scheduler_server_->InProcessChannel()},
       {"aiflow.v1.EventLog", notification_server_->InProcessChannel()}},
      {});
  if (!rest.has_value()) return rest.error();
  rest_ = *std::move(rest);
  api::HttpServer::Handlers handlers;
  handlers.not_ready = [this] { return CheckReadiness().Problems(); };
  handlers.metrics = [this] { return metrics_->Text(); };
  handlers.answered = [this](const std::string& method, const std::string& route, int status) {
    requests_.Add(method, route, status);
  };
  handlers.rest = rest_.get();
  handlers.failed = [logger = options_.logger](const Status& status) {
    logger->error("{}", status.message());
  };
  auto http = OpenHttpDoor(*doors_, wanted.host, wanted.insecure, ports_.http, std::move(handlers));
  if (!http.has_value()) return PortError(http.error(), "HTTP port", "--http-port");
  http_server_ = *std::move(http);
  return Status::Ok();
}

void Server::Impl::StartRetention() {
  served_log_.emplace(*log_service_, log_source_ == LogSource::kRemote);
  files_.emplace(options_.home, *store_, blobs_->store(), *bundles_, SystemClock());
  RetentionOptions retention;
  retention.keep = options_.config.history_retention_ms();
  retention.interval = options_.config.retention_interval_ms();
  retention_ = std::make_unique<Retention>(
      *loop_, *store_, *served_log_, *files_, SystemClock(), retention,
      [logger = options_.logger](const RetentionReport& report) {
        if (report.executions > 0 || report.runs > 0 || report.first_event > 0) {
          logger->info("retention: {} executions and {} runs removed{}", report.executions,
                       report.runs,
                       report.first_event == 0
                           ? ""
                           : ", the first event is " + std::to_string(report.first_event));
        }
        for (const Status& error : report.errors) {
          logger->warn("retention: {}; tried again later", error.message());
        }
      });
  retention_->Start();
}

Status Server::Impl::Start() {
  // A home that is there is locked first: its own server, and not a port, is then what is in the
  // way.
  std::error_code none;
  const bool fresh = !std::filesystem::exists(options_.home.root(), none);
  if (!fresh) AIFLOW_RETURN_IF_ERROR(LockHome());
  const Result<LogSource> source = ChooseLog(options_.home, options_.config);
  if (!source.has_value()) return source.error();
  log_source_ = *source;
  AIFLOW_RETURN_IF_ERROR(TakePorts());
  if (fresh) AIFLOW_RETURN_IF_ERROR(LockHome());
  AIFLOW_RETURN_IF_ERROR(OpenStores());
  AIFLOW_RETURN_IF_ERROR(StartEngine());
  AIFLOW_RETURN_IF_ERROR(OpenPorts());
  StartRetention();
  if (remote_log_ != nullptr) {
    options_.logger->info("the event log is at the notification server {}", notification_uri());
  }
  options_.logger->info("log {}: head {}, committed {}, epoch {}, {} attempts running",
                        log_service_->log_id(), log_service_->head(), loop_->committed(),
                        loop_->epoch(), running());
  for (const std::string& key : options_.config.unused) {
    options_.logger->warn("configuration: key [{}] has no effect in this version", key);
  }
  return Status::Ok();
}

Result<std::vector<ExecutionId>> Server::Impl::ExecutionsWithLiveTasks() const {
  std::vector<ExecutionId> live;
  Page all;
  all.limit = 1'000;
  for (;;) {
    const auto workflows = store_->ListWorkflows("", all);
    if (!workflows.has_value()) return Error(workflows.error());
    for (const WorkflowRow& workflow : *workflows) {
      Page page;
      page.limit = 1'000;
      for (;;) {
        const auto executions = store_->ListExecutions(workflow.id, page);
        if (!executions.has_value()) return Error(executions.error());
        for (const ExecutionRow& execution : *executions) {
          if (IsFinished(execution.status)) continue;
          const auto tasks = store_->ListTasks(execution.id);
          if (!tasks.has_value()) return Error(tasks.error());
          for (const TaskRow& task : *tasks) {
            if (task.current == 0) continue;
            live.push_back(execution.id);
            break;
          }
        }
        if (static_cast<int64_t>(executions->size()) < page.limit) break;
        page.after = executions->back().id.value();
      }
    }
    if (static_cast<int64_t>(workflows->size()) < all.limit) return live;
    all.after = workflows->back().id.value();
  }
}

void Server::Impl::CatchUp(Millis patience) const {
  const auto reached = std::make_shared<std::promise<void>>();
  const std::future<void> decided = reached->get_future();
  loop_->WhenCommitted(log_service_->head(), [reached] { reached->set_value(); });
  decided.wait_for(patience);
}

int64_t Server::Impl::StopTasks(Millis patience) {
  // A start that is in the log, and not decided yet, would start its tasks behind our back.
  CatchUp(std::min(patience, kCatchUpPatience));
  const auto live = ExecutionsWithLiveTasks();
  if (!live.has_value()) {
    options_.logger->error("cannot stop the tasks: {}", live.error().message());
    return running();
  }
  // Replies may come when nobody waits any more.
  struct Waiting {
    std::mutex mutex;
    std::condition_variable changed;
    // Both guarded by mutex.
    std::set<ExecutionId> touched;
    std::set<ExecutionId> refused;  // suspended ones: their tasks run on
  };
  const auto waiting = std::make_shared<Waiting>();
  std::set<ExecutionId> unfinished(live->begin(), live->end());
  waiting->touched = unfinished;
  std::vector<uint64_t> watches;
  for (const ExecutionId id : *live) {
    watches.push_back(loop_->Watch(id, [waiting, id] {
      const std::lock_guard lock(waiting->mutex);
      waiting->touched.insert(id);
      waiting->changed.notify_one();
    }));
    loop_->Submit(StopWorkflowExecution{id.value()}, "",
                  [logger = options_.logger, waiting, id](const Result<ReplyRow>& reply) {
                    if (reply.has_value()) return;
                    logger->error("workflow execution {}: cannot stop it: {}", id.value(),
                                  reply.error().message());
                    const std::lock_guard lock(waiting->mutex);
                    waiting->touched.insert(id);
                    waiting->refused.insert(id);
                    waiting->changed.notify_one();
                  });
  }
  const auto end = std::chrono::steady_clock::now() + patience;
  std::unique_lock lock(waiting->mutex);
  while (!unfinished.empty()) {
    if (!waiting->changed.wait_until(lock, end, [&] { return !waiting->touched.empty(); })) break;
    const std::set<ExecutionId> ids = std::exchange(waiting->touched, {});
    for (const ExecutionId id : waiting->refused) unfinished.erase(id);
    lock.unlock();
    for (const ExecutionId id : ids) {
      const auto row = store_->GetExecution(id);
      const bool over = row.has_value() && (!row->has_value() || IsFinished((*row)->status));
      if (over) unfinished.erase(id);
    }
    lock.lock();
  }
  lock.unlock();
  for (const uint64_t watch : watches) loop_->Unwatch(watch);
  return running();
}

void Server::Impl::Stop() {
  if (std::exchange(stopped_, true)) return;
  if (blobs_ != nullptr) blobs_->Stop();
  if (retention_ != nullptr) retention_->Stop();
  // Calls that wait for it are answered while they still can be.
  if (compiler_ != nullptr) compiler_->Stop();
  // The calls under way still have everything they need. One that waits for a commit for longer, as
  // while the store is locked, is answered by the end of the loop; its server would wait for ever.
  std::jthread end_of_loop([this](const std::stop_token& idle) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any().wait_for(lock, idle, kCallGrace, [] { return false; });
    // A notification server that hangs keeps no server from stopping.
    if (remote_log_ != nullptr) remote_log_->Interrupt();
    if (loop_ != nullptr) loop_->Stop();
  });
  // Its calls go through the services, so it ends before them.
  if (http_server_ != nullptr) http_server_->Stop();
  if (heartbeat_server_ != nullptr) heartbeat_server_->Shutdown(kCallGrace);
  if (scheduler_server_ != nullptr) scheduler_server_->Shutdown(kCallGrace);
  if (notification_server_ != nullptr) notification_server_->Shutdown(kCallGrace);
  end_of_loop.request_stop();
  end_of_loop.join();
  if (hooks_ != nullptr) hooks_->Stop();
  if (observers_.has_value()) observers_->Stop();
  if (hosts_ != nullptr) hosts_->Stop();
  if (executors_.has_value()) {
    const bool idle = executors_->local().running() == 0;
    executors_->Close();
    // A runner without attempts would end by itself a little later; nothing shall be left behind.
    if (idle) EndRunner();
  }
  if (log_service_ != nullptr) log_service_->Stop();
}

void Server::Impl::EndRunner() {
  RunnerAddress address;
  address.dir = options_.home.runner().string();
  const Status ended = RunnerConnection::Quit(address, /*kill=*/false);
  if (!ended.ok()) options_.logger->warn("the runner does not end: {}", ended.message());
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::Start(Options options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (Status status = impl->Start(); !status.ok()) return Error(std::move(status));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::string Server::server_uri() const { return impl_->server_uri(); }
std::string Server::notification_uri() const { return impl_->notification_uri(); }
std::string Server::http_url() const { return impl_->http_url(); }
int64_t Server::running() const { return impl_->running(); }
std::string Server::MetricsText() const { return impl_->MetricsText(); }
Readiness Server::CheckReadiness() const { return impl_->CheckReadiness(); }
int64_t Server::StopTasks(Millis patience) { return impl_->StopTasks(patience); }
void Server::Stop() { impl_->Stop(); }

}  // namespace aiflow::server
