#include "server/notification_server.h"

#include <spdlog/logger.h>

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "api/grpc/grpc_server.h"
#include "api/http/http_server.h"
#include "eventlog/log_service.h"
#include "server/doors.h"
#include "server/endpoint_file.h"
#include "server/http_door.h"
#include "server/log_retention.h"
#include "server/metrics/log_server_metrics.h"
#include "server/port_reservation.h"
#include "server/readiness.h"
#include "server/server_main.h"
#include "server/watch_disk.h"
#include "storage/segments/segment_log.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;
constexpr std::chrono::milliseconds kCallGrace{300};

std::string LocalHost(const std::string& host) {
  if (host == "0.0.0.0") return "127.0.0.1";
  return host == "::" ? "::1" : host;
}

}  // namespace

class NotificationServer::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)) {}
  ~Impl() { Stop(); }

  Status Start();
  void Stop();
  std::string uri() const { return HostPort(LocalHost(options_.host), port_.port()); }
  std::string http_url() const {
    if (http_ == nullptr) return "";
    return (doors_->tls().has_value() ? "https://" : "http://") +
           HostPort(LocalHost(options_.host), http_port_.port());
  }

 private:
  Status TakePorts();
  Status OpenLog();
  Status OpenPort();
  Status OpenHttp();
  void StartRetention();
  std::string NotReadyReason() const;
  std::string MetricsText() const;

  Options options_;
  std::optional<sqlite::HomeLock> lock_;
  PortReservation port_;
  PortReservation http_port_;
  fs::path log_directory_;
  std::unique_ptr<DiskWatch> disk_;
  std::unique_ptr<SegmentLog> log_;
  std::unique_ptr<LogService> service_;
  std::unique_ptr<LogRetention> retention_;
  api::CallCounts calls_;
  HttpCounts requests_;
  std::unique_ptr<Doors> doors_;
  std::unique_ptr<api::GrpcServer> server_;
  std::unique_ptr<api::HttpServer> http_;
  bool stopped_ = false;
};

Status NotificationServer::Impl::TakePorts() {
  const EndpointFile before = ReadEndpointFile(options_.home.endpoints());
  auto port = PortReservation::TakeAgain(options_.host, options_.port,
                                         PortOf(before.Text("notification_uri")));
  if (!port.has_value()) {
    return {port.error().code(), "the notification server " + port.error().message() +
                                     "; stop what uses that port, or choose another with --port "
                                     "or server_port"};
  }
  port_ = *std::move(port);
  if (options_.http_port < 0) return Status::Ok();
  auto http = PortReservation::TakeAgain(options_.host, options_.http_port,
                                         PortOf(before.Text("http_url")));
  if (!http.has_value()) {
    return {http.error().code(), "the HTTP port " + http.error().message() +
                                     "; stop what uses that port, or choose another with "
                                     "--http-port or http_port"};
  }
  http_port_ = *std::move(http);
  return Status::Ok();
}

Status NotificationServer::Impl::OpenLog() {
  log_directory_ = options_.config.log_directory(options_.home.root());
  const fs::path& directory = log_directory_;
  std::error_code error;
  const fs::path old = fs::path(directory).replace_extension();
  if (!fs::exists(directory, error) && fs::exists(old, error)) {
    options_.logger->warn(
        "{} is not read: it is the database of the forerunner; events begin anew "
        "in {}",
        old.string(), directory.string());
  }
  SegmentLogOptions options;
  options.idempotence_window = options_.config.idempotence_window_ms();
  auto log = SegmentLog::Open(PosixFileSystem(), SystemClock(), directory.string(), options);
  if (!log.has_value()) return log.error();
  fs::permissions(directory, fs::perms::owner_all, error);
  log_ = *std::move(log);
  disk_ = WatchDisk(directory, options_.config.disk_reserve_bytes(), "new events", options_.logger);
  LogServiceOptions service;
  service.admit = [this](Admission admission, size_t bytes) {
    return disk_->Admit(admission, bytes);
  };
  service_ = std::make_unique<LogService>(*log_, std::move(service));
  options_.logger->info("events are in {} (log {}, first {}, head {})", directory.string(),
                        log_->log_id(), log_->first(), log_->head());
  return Status::Ok();
}

Status NotificationServer::Impl::OpenPort() {
  auto doors = Doors::Make(
      DoorsOf(options_.home, options_.config), options_.insecure,
      [logger = options_.logger](const std::string& line) { logger->warn("{}", line); });
  if (!doors.has_value()) return doors.error();
  doors_ = *std::move(doors);
  auto server =
      doors_->Open(port_, kNotificationSocket, &calls_).and_then([this](api::GrpcDoor&& opened) {
        return api::GrpcServer::StartLog(*service_, std::move(opened));
      });
  if (!server.has_value()) return server.error();
  server_ = *std::move(server);
  return options_.http_port < 0 ? Status::Ok() : OpenHttp();
}

Status NotificationServer::Impl::OpenHttp() {
  api::HttpServer::Handlers handlers;
  handlers.not_ready = [this] { return NotReadyReason(); };
  handlers.metrics = [this] { return MetricsText(); };
  handlers.answered = [this](const std::string& method, const std::string& route, int status) {
    requests_.Add(method, route, status);
  };
  handlers.failed = [logger = options_.logger](const Status& status) {
    logger->error("{}", status.message());
  };
  auto http =
      OpenHttpDoor(*doors_, options_.host, options_.insecure, http_port_, std::move(handlers));
  if (!http.has_value()) return http.error();
  http_ = *std::move(http);
  return Status::Ok();
}

std::string NotificationServer::Impl::NotReadyReason() const {
  return JudgeReadiness({.disk = disk_->Look()}).Problems();
}

std::string NotificationServer::Impl::MetricsText() const {
  MetricPage page;
  AddLogServer({.version = Version(),
                .log_directory = log_directory_,
                .log = *service_,
                .disk = *disk_,
                .calls = calls_,
                .requests = requests_},
               page);
  return page.Text();
}

void NotificationServer::Impl::StartRetention() {
  retention_ = std::make_unique<LogRetention>(
      *service_, SystemClock(), options_.config.history_retention_ms(),
      options_.config.retention_interval_ms(),
      [logger = options_.logger](const Result<Offset>& first) {
        if (first.has_value()) {
          logger->info("retention: the first event is {}", *first);
        } else {
          logger->warn("retention: {}; tried again later", first.error().message());
        }
      });
}

Status NotificationServer::Impl::Start() {
  const NotificationHome& home = options_.home;
  AIFLOW_RETURN_IF_ERROR(home.Make());
  auto lock = home.Lock();
  if (!lock.has_value()) {
    return {Code::kUnavailable, "home " + home.root().string() + ": " + lock.error().message()};
  }
  lock_.emplace(*std::move(lock));
  if (options_.home_taken != nullptr) options_.home_taken();
  AIFLOW_RETURN_IF_ERROR(TakePorts());
  AIFLOW_RETURN_IF_ERROR(OpenLog());
  AIFLOW_RETURN_IF_ERROR(OpenPort());
  StartRetention();
  for (const std::string& key : options_.config.unused) {
    options_.logger->warn("configuration: key [{}] has no effect in this version", key);
  }
  return Status::Ok();
}

void NotificationServer::Impl::Stop() {
  if (std::exchange(stopped_, true)) return;
  if (retention_ != nullptr) retention_->Stop();
  if (http_ != nullptr) http_->Stop();
  if (server_ != nullptr) server_->Shutdown(kCallGrace);
  if (service_ != nullptr) service_->Stop();
}

NotificationServer::NotificationServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NotificationServer::~NotificationServer() = default;

Result<std::unique_ptr<NotificationServer>> NotificationServer::Start(Options options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (Status status = impl->Start(); !status.ok()) return Error(std::move(status));
  return std::unique_ptr<NotificationServer>(new NotificationServer(std::move(impl)));
}

std::string NotificationServer::uri() const { return impl_->uri(); }
std::string NotificationServer::http_url() const { return impl_->http_url(); }
void NotificationServer::Stop() { impl_->Stop(); }

}  // namespace aiflow::server
