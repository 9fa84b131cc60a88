#include "api/grpc/grpc_server.h"

#include <arpa/inet.h>
#include <grpcpp/grpcpp.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
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

std::string Address(const std::string& host, int port) {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

/// gRPC does not tell why it could not listen, so the address is tried first.
Status CheckAddress(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    return {Code::kInvalidArgument,
            "cannot listen on " + Address(host, port) + ": " + gai_strerror(error)};
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  const int fd = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, found->ai_protocol);
  if (fd < 0) {
    return {Code::kInternal,
            "cannot listen on " + Address(host, port) + ": " + std::strerror(errno)};
  }
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  // Two sockets may share a bound address until one of them listens.
  const bool free = bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 1) == 0;
  const int reason = errno;
  close(fd);
  if (free) return Status::Ok();
  return {reason == EADDRINUSE ? Code::kAlreadyExists : Code::kInternal,
          "cannot listen on " + Address(host, port) + ": " + std::strerror(reason)};
}

}  // namespace

class GrpcServer::Impl {
 public:
  std::vector<std::unique_ptr<grpc::Service>> services;

  Status Start(const std::string& host, int port) {
    if (port != 0) AIFLOW_RETURN_IF_ERROR(CheckAddress(host, port));
    grpc::ServerBuilder builder;
    // Without this a second server could take a share of this one's calls.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
    builder.AddListeningPort(Address(host, port), grpc::InsecureServerCredentials(), &port_);
    for (const auto& service : services) builder.RegisterService(service.get());
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) {
      server_.reset();
      return {Code::kAlreadyExists, "cannot listen on " + Address(host, port)};
    }
    return Status::Ok();
  }

  int port() const { return port_; }

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
void GrpcServer::Shutdown(std::chrono::milliseconds grace) { impl_->Shutdown(grace); }

bool IsLoopback(const std::string& host) {
  if (host == "localhost" || host == "::1") return true;
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

}  // namespace aiflow::api
