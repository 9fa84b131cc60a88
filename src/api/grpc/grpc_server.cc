#include "api/grpc/grpc_server.h"

#include <arpa/inet.h>
#include <grpcpp/grpcpp.h>

#include <mutex>
#include <utility>
#include <vector>

#include "api/grpc/event_log_service.h"
#include "api/grpc/heartbeat_service.h"
#include "api/grpc/notification_service.h"
#include "api/grpc/orchestrator_service.h"
#include "api/grpc/scheduler_service.h"

namespace aiflow::api {
namespace {

// Specifications and pickled workflows come in one message; bundles come in chunks.
constexpr int kMaxReceiveBytes = 64 << 20;

// A client that vanished without a word is noticed after these, and its streams and polls end.
constexpr int kKeepAliveMs = 60'000;
constexpr int kKeepAliveAnswerMs = 20'000;
// Clients may ask as often whether this server is there; who asks more often is disconnected.
constexpr int kMinClientPingMs = 10'000;
// A connection that does not become one of HTTP/2 in this time is closed.
constexpr int kHandshakeMs = 20'000;

std::string Address(const std::string& host, int port) {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace

class GrpcServer::Impl {
 public:
  std::vector<std::unique_ptr<grpc::Service>> services;

  Status Start(const std::string& host, int port) {
    grpc::ServerBuilder builder;
    // Without this a second server could take a share of this one's calls.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepAliveMs);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepAliveAnswerMs);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                               kMinClientPingMs);
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs);
    builder.AddListeningPort(Address(host, port), grpc::InsecureServerCredentials(), &port_);
    for (const auto& service : services) builder.RegisterService(service.get());
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) {
      server_.reset();
      return {Code::kAlreadyExists,
              "cannot listen on " + Address(host, port) + ": the address is in use or not ours"};
    }
    return Status::Ok();
  }

  int port() const { return port_; }

  std::shared_ptr<grpc::Channel> InProcessChannel() {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kMaxReceiveBytes);
    return server_->InProcessChannel(arguments);
  }

  void Shutdown(std::chrono::milliseconds grace) {
    const std::lock_guard lock(mutex_);
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now() + grace);
    server_->Wait();
    server_.reset();
  }

 private:
  std::mutex mutex_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GrpcServer::~GrpcServer() { Shutdown(std::chrono::milliseconds(0)); }

Result<std::unique_ptr<GrpcServer>> GrpcServer::StartNotification(LogService& log,
                                                                  const std::string& host,
                                                                  int port) {
  auto impl = std::make_unique<Impl>();
  impl->services.push_back(std::make_unique<NotificationServiceAdapter>(log));
  impl->services.push_back(std::make_unique<EventLogServiceAdapter>(log));
  if (Status status = impl->Start(host, port); !status.ok()) return Error(std::move(status));
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

Result<std::unique_ptr<GrpcServer>> GrpcServer::StartScheduler(Backend& backend,
                                                               const std::string& host, int port) {
  auto impl = std::make_unique<Impl>();
  impl->services.push_back(std::make_unique<SchedulerServiceAdapter>(backend));
  impl->services.push_back(std::make_unique<OrchestratorServiceAdapter>(backend));
  impl->services.push_back(std::make_unique<HeartbeatServiceAdapter>());
  if (Status status = impl->Start(host, port); !status.ok()) return Error(std::move(status));
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

Result<std::unique_ptr<GrpcServer>> GrpcServer::StartHeartbeat(const std::string& host, int port) {
  auto impl = std::make_unique<Impl>();
  impl->services.push_back(std::make_unique<HeartbeatServiceAdapter>());
  if (Status status = impl->Start(host, port); !status.ok()) return Error(std::move(status));
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
