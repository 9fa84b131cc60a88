#include "server/notification_server.h"

#include <spdlog/logger.h>

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "api/access/access.h"
#include "api/access/listen_socket.h"
#include "api/access/tokens.h"
#include "api/grpc/grpc_server.h"
#include "eventlog/log_service.h"
#include "server/endpoint_file.h"
#include "server/log_retention.h"
#include "server/notification_main.h"
#include "server/port_reservation.h"
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

 private:
  Status OpenLog();
  Status OpenPort();
  void StartRetention();

  Options options_;
  std::optional<sqlite::HomeLock> lock_;
  PortReservation port_;
  std::unique_ptr<SegmentLog> log_;
  std::unique_ptr<LogService> service_;
  std::unique_ptr<LogRetention> retention_;
  std::optional<api::Tokens> tokens_;
  std::optional<api::Access> access_;
  std::unique_ptr<api::GrpcServer> server_;
  bool stopped_ = false;
};

Status NotificationServer::Impl::OpenLog() {
  const NotificationHome& home = options_.home;
  const fs::path directory = options_.config.log_directory(home.root());
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
  service_ = std::make_unique<LogService>(*log_, LogServiceOptions{});
  options_.logger->info("events are in {} (log {}, first {}, head {})", directory.string(),
                        log_->log_id(), log_->first(), log_->head());
  return Status::Ok();
}

Status NotificationServer::Impl::OpenPort() {
  tokens_.emplace(options_.home.tokens(), [logger = options_.logger](const Status& problem) {
    logger->warn("no token is accepted: {}", problem.message());
  });
  access_.emplace(api::Access::Options{.open = options_.insecure}, *tokens_);
  auto socket = api::ListenSocket::Bound(port_.TakeSocket());
  if (!socket.has_value()) return socket.error();
  api::GrpcDoor door{.sockets = {}, .access = *access_, .tls = std::nullopt};
  door.sockets.push_back(*std::move(socket));
  auto server = api::GrpcServer::StartLog(*service_, std::move(door));
  if (!server.has_value()) return server.error();
  server_ = *std::move(server);
  return Status::Ok();
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
  const std::string before = ReadEndpointFile(home.endpoints()).Text("notification_uri");
  auto port = PortReservation::TakeAgain(options_.host, options_.port, PortOf(before));
  if (!port.has_value()) {
    return {port.error().code(), "the notification server " + port.error().message() +
                                     "; stop what uses that port, or choose another with --port "
                                     "or server_port"};
  }
  port_ = *std::move(port);
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
void NotificationServer::Stop() { impl_->Stop(); }

}  // namespace aiflow::server
