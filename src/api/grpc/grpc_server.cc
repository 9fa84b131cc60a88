#include "api/grpc/grpc_server.h"

#include <arpa/inet.h>
#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "api/grpc/call_counter.h"
#include "api/grpc/event_log_service.h"
#include "api/grpc/guarded_port.h"
#include "api/grpc/heartbeat_service.h"
#include "api/grpc/log_access_service.h"
#include "api/grpc/notification_service.h"
#include "api/grpc/orchestrator_service.h"
#include "api/grpc/scheduler_service.h"

namespace aiflow::api {
namespace {

// Specifications and pickled workflows come in one message; bundles come in chunks.
constexpr int kMaxReceiveBytes = 80 << 20;

// A client that vanished without a word is noticed after these, and its streams and polls end.
constexpr int kKeepAliveMs = 60'000;
constexpr int kKeepAliveAnswerMs = 20'000;
// Clients may ask as often whether this server is there; who asks more often is disconnected.
constexpr int kMinClientPingMs = 10'000;
// A connection that does not become one of HTTP/2 in this time is closed.
constexpr int kHandshakeMs = 20'000;

/// For servers that nobody gave a rule: this process' user and root.
const Access& OwnUserOnly() {
  static const Tokens kNone{std::filesystem::path()};
  static const Access kAccess{{}, kNone};
  return kAccess;
}

}  // namespace

class GrpcServer::Impl {
 public:
  explicit Impl(GrpcDoor door) : counts_(door.counts), port_(std::move(door)) {}

  /// `Api` is the generated class of the service. Before the start.
  template <typename Api>
  void Add(std::unique_ptr<grpc::Service> service) {
    services_.push_back(std::move(service));
    names_.emplace_back(Api::service_full_name());
  }

  Status Start() {
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepAliveMs);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepAliveAnswerMs);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                               kMinClientPingMs);
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs);
    port_.AddTo(builder);
    Count(builder);
    for (const auto& service : services_) builder.RegisterService(service.get());
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) return {Code::kInternal, "gRPC cannot be started"};
    return port_.Start();
  }

  Status StartInProcess() {
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
    Count(builder);
    for (const auto& service : services_) builder.RegisterService(service.get());
    server_ = builder.BuildAndStart();
    if (server_ != nullptr) return Status::Ok();
    return {Code::kInternal, "cannot start the services within the process"};
  }

  int port() const { return port_.port(); }

  std::shared_ptr<grpc::Channel> InProcessChannel() {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kMaxReceiveBytes);
    return server_->InProcessChannel(arguments);
  }

  void Shutdown(std::chrono::milliseconds grace) {
    const std::lock_guard lock(mutex_);
    if (server_ == nullptr) return;
    port_.Stop();
    server_->Shutdown(std::chrono::system_clock::now() + grace);
    server_->Wait();
    server_.reset();
  }

 private:
  void Count(grpc::ServerBuilder& builder) const {
    if (counts_ == nullptr) return;
    builder.experimental().SetInterceptorCreators(CountersInto(*counts_, names_));
  }

  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::vector<std::string> names_;
  std::mutex mutex_;
  CallCounts* const counts_;
  GuardedPort port_;
  std::unique_ptr<grpc::Server> server_;
};

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GrpcServer::~GrpcServer() { Shutdown(std::chrono::milliseconds(0)); }

Result<std::unique_ptr<GrpcServer>> GrpcServer::StartNotification(LogService& log, GrpcDoor door) {
  CallCounts* const counts = door.counts;
  auto impl = std::make_unique<Impl>(std::move(door));
  impl->Add<notification_service::NotificationService>(
      std::make_unique<NotificationServiceAdapter>(log, counts));
  impl->Add<v1::EventLog>(std::make_unique<EventLogServiceAdapter>(log, counts));
  return Started(std::move(impl));
}

Result<std::unique_ptr<GrpcServer>> GrpcServer::StartNotification(LogService& log,
                                                                  const std::string& host,
                                                                  int port) {
  Result<ListenSocket> socket = ListenSocket::Tcp(host, port);
  if (!socket.has_value()) return Error(socket.error());
  GrpcDoor door{.sockets = {}, .access = OwnUserOnly(), .tls = std::nullopt};
  door.sockets.push_back(*std::move(socket));
  return StartNotification(log, std::move(door));
}

Result<std::unique_ptr<GrpcServer>> GrpcServer::StartLog(LogService& log, GrpcDoor door) {
  const Access& access = door.access;
  CallCounts* const counts = door.counts;
  auto impl = std::make_unique<Impl>(std::move(door));
  impl->Add<notification_service::NotificationService>(
      std::make_unique<NotificationServiceAdapter>(log, counts));
  impl->Add<v1::EventLog>(std::make_unique<EventLogServiceAdapter>(log, counts));
  impl->Add<internal::v1::LogAccess>(std::make_unique<LogAccessServiceAdapter>(log, access));
  return Started(std::move(impl));
}

Result<std::unique_ptr<GrpcServer>> GrpcServer::StartLog(LogService& log, const std::string& host,
                                                         int port) {
  Result<ListenSocket> socket = ListenSocket::Tcp(host, port);
  if (!socket.has_value()) return Error(socket.error());
  GrpcDoor door{.sockets = {}, .access = OwnUserOnly(), .tls = std::nullopt};
  door.sockets.push_back(*std::move(socket));
  return StartLog(log, std::move(door));
}

Result<std::unique_ptr<GrpcServer>> GrpcServer::StartInProcess(LogService& log,
                                                               CallCounts* counts) {
  GrpcDoor door{.sockets = {}, .access = OwnUserOnly(), .tls = std::nullopt};
  door.counts = counts;
  auto impl = std::make_unique<Impl>(std::move(door));
  impl->Add<v1::EventLog>(std::make_unique<EventLogServiceAdapter>(log, counts));
  if (Status status = impl->StartInProcess(); !status.ok()) return Error(std::move(status));
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

Result<std::unique_ptr<GrpcServer>> GrpcServer::StartScheduler(Backend& backend, GrpcDoor door) {
  auto impl = std::make_unique<Impl>(std::move(door));
  impl->Add<ai_flow::SchedulerService>(std::make_unique<SchedulerServiceAdapter>(backend));
  impl->Add<v1::Orchestrator>(std::make_unique<OrchestratorServiceAdapter>(backend));
  impl->Add<ai_flow::HeartbeatService>(std::make_unique<HeartbeatServiceAdapter>());
  return Started(std::move(impl));
}

Result<std::unique_ptr<GrpcServer>> GrpcServer::StartHeartbeat(GrpcDoor door) {
  auto impl = std::make_unique<Impl>(std::move(door));
  impl->Add<ai_flow::HeartbeatService>(std::make_unique<HeartbeatServiceAdapter>());
  return Started(std::move(impl));
}

Result<std::unique_ptr<GrpcServer>> GrpcServer::Started(std::unique_ptr<Impl> impl) {
  if (Status status = impl->Start(); !status.ok()) return Error(std::move(status));
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

int GrpcServer::port() const { return impl_->port(); }
std::shared_ptr<grpc::Channel> GrpcServer::InProcessChannel() { return impl_->InProcessChannel(); }
void GrpcServer::Shutdown(std::chrono::milliseconds grace) { impl_->Shutdown(grace); }

bool IsLoopback(const std::string& host) {
  if (host == "localhost" || host == "::1") return true;
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

}  // namespace aiflow::api
