#include "storage/blobs/remote/fault_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <utility>

#include "base/check.h"

namespace aiflow::remote {
namespace {

/// A socket bound to a free port of 127.0.0.1.
int BindAnyPort(int* port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0) << "no socket";
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  CHECK(bind(fd, raw, size) == 0 && getsockname(fd, raw, &size) == 0) << "no port";
  *port = ntohs(address.sin_port);
  return fd;
}

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

/// False: the client has gone.
bool ReadMore(int fd, std::string* into) {
  char buffer[16'384];
  const ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
  if (got <= 0) return false;
  into->append(buffer, static_cast<size_t>(got));
  return true;
}

bool ReadRequest(int fd, FaultRequest* request) {
  std::string text;
  size_t end = 0;
  while ((end = text.find("\r\n\r\n")) == std::string::npos) {
    if (!ReadMore(fd, &text)) return false;
  }
  const size_t space = text.find(' ');
  request->method = text.substr(0, space);
  request->target = text.substr(space + 1, text.find(' ', space + 1) - space - 1);
  for (size_t at = text.find("\r\n") + 2; at < end;) {
    const size_t line_end = text.find("\r\n", at);
    const size_t colon = text.find(':', at);
    std::string name = text.substr(at, colon - at);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    request->headers[name] = text.substr(colon + 2, line_end - colon - 2);
    at = line_end + 2;
  }
  request->body = text.substr(end + 4);
  const auto length = request->headers.find("content-length");
  const size_t wanted = length == request->headers.end() ? 0 : std::stoul(length->second);
  if (request->headers.contains("expect") && !SendAll(fd, "HTTP/1.1 100 Continue\r\n\r\n")) {
    return false;
  }
  while (request->body.size() < wanted) {
    if (!ReadMore(fd, &request->body)) return false;
  }
  return true;
}

}  // namespace

FaultServer::FaultServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = BindAnyPort(&port_);
  CHECK(listen(listener_, 64) == 0) << "cannot listen";
  thread_ = std::thread([this] { Run(); });
}

FaultServer::~FaultServer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  stopped_.notify_all();
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

std::string FaultServer::url() const { return "http://127.0.0.1:" + std::to_string(port_); }

std::vector<FaultRequest> FaultServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void FaultServer::Run() {
  for (;;) {
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) break;
    served_.emplace_back([this, connection] { Serve(connection); });
  }
  for (std::thread& thread : served_) thread.join();
}

void FaultServer::Serve(int connection) {
  {
    const std::lock_guard lock(mutex_);
    if (stop_) shutdown(connection, SHUT_RDWR);
    open_.push_back(connection);
  }
  FaultRequest request;
  if (ReadRequest(connection, &request)) {
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const FaultAnswer answer = handler_(request);
    if (answer.silent) {
      std::unique_lock lock(mutex_);
      stopped_.wait(lock, [this] { return stop_; });
    } else {
      std::string head =
          "HTTP/1.1 " + std::to_string(answer.status) + " X\r\nConnection: close\r\n";
      for (const std::string& header : answer.headers) head += header + "\r\n";
      if (answer.status != 204) {
        head += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
      }
      std::string body = request.method == "HEAD" ? "" : answer.body;
      const int cut = std::max(answer.reset_after, answer.close_after);
      if (cut >= 0) body.resize(static_cast<size_t>(cut));
      SendAll(connection, head + "\r\n" + body);
      if (answer.reset_after >= 0) {
        const linger now{.l_onoff = 1, .l_linger = 0};
        setsockopt(connection, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
      }
    }
  }
  const std::lock_guard lock(mutex_);
  std::erase(open_, connection);
  close(connection);
}

FaultServer::Handler InTurn(std::vector<FaultAnswer> answers) {
  struct Turn {
    std::mutex mutex;
    size_t next = 0;  // guarded by mutex
  };
  return [answers = std::move(answers), turn = std::make_shared<Turn>()](const FaultRequest&) {
    const std::lock_guard lock(turn->mutex);
    return answers.at(std::min(turn->next++, answers.size() - 1));
  };
}

std::string RefusingUrl() {
  int port = 0;
  // Bound and not listening: refused. It stays bound, so that nobody else gets it.
  BindAnyPort(&port);
  return "http://127.0.0.1:" + std::to_string(port);
}

}  // namespace aiflow::remote
