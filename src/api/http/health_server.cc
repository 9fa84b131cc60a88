#include "api/http/health_server.h"

#include <httplib.h>

#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

namespace aiflow::api {
namespace {

/// The host of "host:port" or "[v6]:port".
std::string_view HostOf(std::string_view authority) {
  if (authority.starts_with("[")) {
    const size_t end = authority.find(']');
    return end == std::string_view::npos ? authority : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

std::string_view AuthorityOf(std::string_view origin) {
  const size_t scheme = origin.find("://");
  return scheme == std::string_view::npos ? origin : origin.substr(scheme + 3);
}

}  // namespace

class HealthServer::Impl {
 public:
  Impl(Options options, std::function<std::string()> not_ready)
      : options_(std::move(options)), not_ready_(std::move(not_ready)) {}
  ~Impl() { Stop(); }

  Status Start() {
    // Two threads serve health checks; the default is eight.
    server_.new_task_queue = [] { return new httplib::ThreadPool(2); };
    // The default shares the port with other processes.
    server_.set_socket_options([](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    server_.set_pre_routing_handler([this](const httplib::Request& request,
                                           httplib::Response& response) {
      const bool known =
          Known(request.get_header_value("Host")) &&
          (!request.has_header("Origin") || Known(AuthorityOf(request.get_header_value("Origin"))));
      if (known) return httplib::Server::HandlerResponse::Unhandled;
      response.status = 403;
      response.set_content("this server answers to its own host name only\n", "text/plain");
      return httplib::Server::HandlerResponse::Handled;
    });
    server_.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("ok\n", "text/plain");
    });
    server_.Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
      const std::string reason = not_ready_();
      response.status = reason.empty() ? 200 : 503;
      response.set_content(reason.empty() ? "ready\n" : reason + "\n", "text/plain");
    });
    if (options_.port == 0) {
      port_ = server_.bind_to_any_port(options_.host);
    } else {
      port_ = server_.bind_to_port(options_.host, options_.port) ? options_.port : -1;
    }
    if (port_ <= 0) {
      return {Code::kAlreadyExists,
              "cannot listen on " + options_.host + ":" + std::to_string(options_.port)};
    }
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // Stopping a server that does not listen yet would be lost.
    while (!server_.is_running()) std::this_thread::yield();
    return Status::Ok();
  }

  int port() const { return port_; }

  void Stop() {
    const std::lock_guard lock(mutex_);
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  bool Known(std::string_view authority) const {
    const std::string_view host = HostOf(authority);
    return options_.any_host || host == options_.host || host == "localhost" ||
           host == "127.0.0.1" || host == "::1";
  }

  const Options options_;
  const std::function<std::string()> not_ready_;
  httplib::Server server_;
  std::mutex mutex_;
  std::thread thread_;
  int port_ = -1;
};

HealthServer::HealthServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HealthServer::~HealthServer() = default;

Result<std::unique_ptr<HealthServer>> HealthServer::Start(Options options,
                                                          std::function<std::string()> not_ready) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(not_ready));
  if (Status status = impl->Start(); !status.ok()) return Error(std::move(status));
  return std::unique_ptr<HealthServer>(new HealthServer(std::move(impl)));
}

int HealthServer::port() const { return impl_->port(); }
void HealthServer::Stop() { impl_->Stop(); }

}  // namespace aiflow::api
