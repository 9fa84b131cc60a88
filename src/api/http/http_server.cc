#include "api/http/http_server.h"

#include <httplib.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string_view>
#include <thread>
#include <utility>

#include "api/http/connection_server.h"
#include "api/http/connection_threads.h"

namespace aiflow::api {
namespace {

using rest::HttpAnswer;
using rest::TextStream;

constexpr std::array<std::string_view, 6> kMethods = {"GET", "HEAD",  "POST",
                                                      "PUT", "PATCH", "DELETE"};
/// How often a stream with nothing to tell says that it is there, and sees that nobody listens.
constexpr std::chrono::seconds kKeepAlive{15};
/// Connections that wait until a thread is free. The library's own number is 5.
constexpr int kBacklog = 1024;
constexpr std::chrono::milliseconds kStopPatience{2'000};
constexpr std::string_view kApi = "/api/v1/";
/// Nobody sends more in one request; messages have limits of their own.
constexpr size_t kMaxUploadBytes = size_t{1} << 30;

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

/// Bytes [begin, end) of a file.
struct Part {
  int64_t begin = 0;
  int64_t end = 0;
};

/// As the header Range means it: first and last byte, the last left out (-1), or, with the first
/// left out, how many of the last bytes. Nothing when there is no such byte.
std::optional<Part> PartOf(const httplib::Range& range, int64_t size) {
  const auto [first, last] = range;
  Part part{first, size};
  if (first < 0) {
    part.begin = std::max<int64_t>(0, size - last);
  } else if (last >= 0) {
    part.end = last < size ? last + 1 : size;
  }
  if (part.begin >= part.end) return std::nullopt;
  return part;
}

/// What the library answers by itself.
Status LibraryError(int http_status) {
  switch (http_status) {
    case 404: return {Code::kNotFound, "nothing is at this path"};
    case 413: return {Code::kResourceExhausted, "the body is larger than 1 GiB"};
    case 414: return {Code::kInvalidArgument, "the address has more than 8192 bytes"};
    case 416: return {Code::kOutOfRange, "the header Range is no range of bytes"};
    case 500: return {Code::kInternal, "the server failed at this request"};
    default:
      return {Code::kInvalidArgument,
              "the head of the request cannot be understood, or has more than 64 KiB"};
  }
}

class Threads final : public httplib::TaskQueue {
 public:
  explicit Threads(size_t most) : threads_(most) {}
  void enqueue(std::function<void()> task) override { threads_.Run(std::move(task)); }
  void shutdown() override { threads_.Stop(); }

 private:
  ConnectionThreads threads_;
};

/// Reads the body of a request. One without a length has none; the library would wait for the end
/// of the connection.
rest::HttpBody BodyOf(const httplib::Request& request, const httplib::ContentReader* reader) {
  const bool none =
      reader == nullptr ||
      (!request.has_header("Content-Length") &&
       request.get_header_value("Transfer-Encoding").find("chunked") == std::string::npos);
  if (none) return [](const auto&) { return Status::Ok(); };
  return [reader](const std::function<bool(std::string_view)>& take) -> Status {
    bool stopped = false;
    const bool whole = (*reader)([&](const char* data, size_t size) {
      stopped = !take(std::string_view(data, size));
      return !stopped;
    });
    if (whole && !stopped) return Status::Ok();
    if (stopped) return {Code::kCancelled, "the rest of the body was not wanted"};
    return {Code::kInvalidArgument, "the body could not be read to its end"};
  };
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(Options options, Handlers handlers)
      : options_(std::move(options)), handlers_(std::move(handlers)) {}
  ~Impl() { Stop(); }

  Status Start();
  int port() const { return port_; }
  void Stop();

 private:
  /// Streams that are being read, to be ended by Stop.
  class Streams {
   public:
    bool Add(TextStream* stream, size_t most) {
      const std::lock_guard lock(mutex_);
      if (ended_ || streams_.size() >= most) return false;
      streams_.insert(stream);
      return true;
    }
    void Remove(TextStream* stream) {
      const std::lock_guard lock(mutex_);
      streams_.erase(stream);
      if (streams_.empty()) none_left_.notify_all();
    }
    /// Ends each, and waits up to `patience` until their readers have been told.
    void End(std::chrono::milliseconds patience) {
      std::unique_lock lock(mutex_);
      ended_ = true;
      for (TextStream* stream : streams_) stream->Cancel();
      none_left_.wait_for(lock, patience, [this] { return streams_.empty(); });
    }

   private:
    std::mutex mutex_;
    std::condition_variable none_left_;
    std::set<TextStream*> streams_;
    bool ended_ = false;
  };

  Status MakeServer();
  void Configure();
  void Route();
  httplib::Server::HandlerResponse Admit(const httplib::Request& request,
                                         httplib::Response& response);
  void Rest(const httplib::Request& request, httplib::Response& response,
            const httplib::ContentReader* reader);
  void Send(HttpAnswer answer, httplib::Response& response, const httplib::Ranges& ranges = {});
  void SendBytes(const rest::Bytes& bytes, const std::string& content_type,
                 const httplib::Ranges& ranges, httplib::Response& response);
  void SendStream(HttpAnswer answer, httplib::Response& response);
  bool Known(std::string_view authority) const;
  void Tell(const httplib::Request& request, int status) const;

  const Options options_;
  const Handlers handlers_;
  Streams streams_;
  std::unique_ptr<ConnectionServer> server_;
  std::mutex mutex_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;
  socket_t socket_ = -1;  // the server's own; of the address that could be bound
  int port_ = -1;
};

bool HttpServer::Impl::Known(std::string_view authority) const {
  const std::string_view host = HostOf(authority);
  return options_.any_host || host == options_.host || host == "localhost" || host == "127.0.0.1" ||
         host == "::1";
}

Status HttpServer::Impl::MakeServer() {
  TlsContext tls;
  if (!options_.certificate_file.empty()) {
    auto made =
        MakeTlsContext(options_.certificate_file, options_.key_file, options_.client_ca_file);
    if (!made.has_value()) return made.error();
    tls = *std::move(made);
  }
  server_ = std::make_unique<ConnectionServer>(std::move(tls));
  return Status::Ok();
}

void HttpServer::Impl::Configure() {
  server_->new_task_queue = [this] {
    return new Threads(options_.max_streams + options_.max_requests);
  };
  // The default shares the port with other processes.
  server_->set_socket_options([this](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    socket_ = socket;
  });
  server_->set_tcp_nodelay(true);
  server_->set_payload_max_length(kMaxUploadBytes);
  server_->set_default_headers({{"X-Content-Type-Options", "nosniff"},
                                {"Cache-Control", "no-store"},
                                {"Referrer-Policy", "no-referrer"}});
}

httplib::Server::HandlerResponse HttpServer::Impl::Admit(const httplib::Request& request,
                                                         httplib::Response& response) {
  // The library would compress streams piece by piece, and hold the pieces back.
  const_cast<httplib::Request&>(request).headers.erase("Accept-Encoding");
  // It would cut ranges out of anything; those of files are cut here.
  if (!request.path.starts_with(kApi)) const_cast<httplib::Request&>(request).ranges.clear();
  const std::string host = request.get_header_value("Host");
  const bool known = Known(host) && (options_.any_host || !request.has_header("Origin") ||
                                     AuthorityOf(request.get_header_value("Origin")) == host);
  if (!known && (handlers_.check_token == nullptr ||
                 !handlers_.check_token(request.get_header_value("Authorization")).ok())) {
    Send(rest::ErrorAnswer(Status(Code::kPermissionDenied,
                                  "this server answers to the names of its own machine, and by "
                                  "another one only to who brings a token")),
         response);
    return httplib::Server::HandlerResponse::Handled;
  }
  if (std::find(kMethods.begin(), kMethods.end(), request.method) == kMethods.end()) {
    HttpAnswer answer = rest::ErrorAnswer(
        405, Status(Code::kUnimplemented, "this server does not answer " + request.method));
    answer.headers.emplace_back("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE");
    Send(std::move(answer), response);
    return httplib::Server::HandlerResponse::Handled;
  }
  const bool health = request.path == "/healthz" || request.path == "/readyz";
  if (health || handlers_.admit == nullptr) return httplib::Server::HandlerResponse::Unhandled;
  const Status admitted = handlers_.admit(
      {request.remote_addr, request.remote_port, request.local_addr, request.local_port},
      request.get_header_value("Authorization"));
  if (admitted.ok()) return httplib::Server::HandlerResponse::Unhandled;
  HttpAnswer answer = rest::ErrorAnswer(admitted);
  if (answer.status == 401) answer.headers.emplace_back("WWW-Authenticate", "Bearer");
  Send(std::move(answer), response);
  return httplib::Server::HandlerResponse::Handled;
}

/// Both are from sets of ours: what a client makes up becomes no label.
void HttpServer::Impl::Tell(const httplib::Request& request, int status) const {
  constexpr std::array<std::string_view, 4> kOwn = {"/healthz", "/readyz", "/metrics",
                                                    "/api/v1/openapi.json"};
  const bool method = std::find(kMethods.begin(), kMethods.end(), request.method) != kMethods.end();
  std::string route;
  if (std::find(kOwn.begin(), kOwn.end(), request.path) != kOwn.end()) {
    route = request.path;
  } else if (handlers_.rest != nullptr && request.path.starts_with(kApi)) {
    route = handlers_.rest->RouteOf(request.method == "HEAD" ? "GET" : request.method,
                                    request.target.substr(0, request.target.find('?')));
  }
  handlers_.answered(method ? request.method : "other", route.empty() ? "other" : route, status);
}

void HttpServer::Impl::Route() {
  if (handlers_.answered != nullptr) {
    server_->set_logger([this](const httplib::Request& request, const httplib::Response& response) {
      Tell(request, response.status);
    });
  }
  server_->set_pre_routing_handler(
      [this](const httplib::Request& request, httplib::Response& response) {
        return Admit(request, response);
      });
  server_->Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("ok\n", "text/plain");
  });
  server_->Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
    const std::string reason = handlers_.not_ready();
    response.status = reason.empty() ? 200 : 503;
    response.set_content(reason.empty() ? "ready\n" : reason + "\n", "text/plain; charset=utf-8");
  });
  if (handlers_.metrics != nullptr) {
    server_->Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(handlers_.metrics(), "text/plain; version=0.0.4; charset=utf-8");
    });
  }
  if (handlers_.rest == nullptr) return;
  server_->Get("/api/v1/openapi.json",
               [this](const httplib::Request&, httplib::Response& response) {
                 response.set_content(handlers_.rest->openapi(), "application/json");
               });
  // By prefix alone: the paths are the transcoder's.
  const std::string all = std::string(kApi) + "[\\s\\S]*";
  server_->Get(all, [this](const httplib::Request& request, httplib::Response& response) {
    Rest(request, response, nullptr);
  });
  const auto with_body = [this](const httplib::Request& request, httplib::Response& response,
                                const httplib::ContentReader& reader) {
    Rest(request, response, &reader);
  };
  server_->Post(all, with_body);
  server_->Put(all, with_body);
  server_->Patch(all, with_body);
  server_->Delete(all, with_body);
  server_->set_exception_handler([](const httplib::Request&, httplib::Response& response,
                                    const std::exception_ptr&) { response.status = 500; });
  server_->set_error_handler([](const httplib::Request& request, httplib::Response& response) {
    if (!response.body.empty() || response.status < 400 || request.method == "HEAD") return;
    response.set_content(rest::ErrorJson(LibraryError(response.status)), "application/json");
  });
}

void HttpServer::Impl::Rest(const httplib::Request& request, httplib::Response& response,
                            const httplib::ContentReader* reader) {
  const httplib::Ranges ranges = std::exchange(const_cast<httplib::Request&>(request).ranges, {});
  if (request.is_multipart_form_data()) {
    return Send(rest::ErrorAnswer(415, Status(Code::kInvalidArgument,
                                              "a body is JSON here, and no multipart form")),
                response);
  }
  const size_t question = request.target.find('?');
  rest::HttpRequest asked;
  asked.method = request.method == "HEAD" ? "GET" : request.method;
  asked.path = request.target.substr(0, question);
  if (question != std::string::npos) asked.query = request.target.substr(question + 1);
  asked.header = [&request](const std::string& name) {
    return request.get_header_value(name.c_str());
  };
  Send(handlers_.rest->Handle(asked, BodyOf(request, reader)), response, ranges);
}

void HttpServer::Impl::Send(HttpAnswer answer, httplib::Response& response,
                            const httplib::Ranges& ranges) {
  for (const auto& [name, value] : answer.headers) response.set_header(name.c_str(), value);
  response.status = answer.status;
  if (answer.stream != nullptr) {
    SendStream(std::move(answer), response);
  } else if (answer.bytes.has_value()) {
    SendBytes(*answer.bytes, answer.content_type, ranges, response);
  } else {
    response.set_content(answer.body, answer.content_type.c_str());
  }
}

void HttpServer::Impl::SendBytes(const rest::Bytes& bytes, const std::string& content_type,
                                 const httplib::Ranges& ranges, httplib::Response& response) {
  // Several ranges at once may be answered with the whole (RFC 9110, 14.2).
  const bool ranged = ranges.size() == 1;
  std::optional<Part> part = ranged ? PartOf(ranges.front(), bytes.size) : Part{0, bytes.size};
  if (part.has_value()) {
    // What is left of it: Content-Range says which bytes come.
    part->begin = std::max(part->begin, bytes.first);
    if (ranged && part->begin >= part->end) part.reset();
  }
  response.set_header("Accept-Ranges", "bytes");
  if (!part.has_value()) {
    response.set_header("Content-Range", "bytes */" + std::to_string(bytes.size));
    Send(rest::ErrorAnswer(416,
                           Status(Code::kOutOfRange, "the range is not within the file of " +
                                                         std::to_string(bytes.size) + " bytes")),
         response);
    return;
  }
  if (ranged) {
    response.status = 206;
    response.set_header("Content-Range", "bytes " + std::to_string(part->begin) + "-" +
                                             std::to_string(part->end - 1) + "/" +
                                             std::to_string(bytes.size));
  }
  if (part->begin == part->end) {
    response.set_content("", content_type.c_str());
    return;
  }
  const auto send = [bytes](int64_t begin, int64_t end, httplib::DataSink& sink) {
    return bytes
        .read(begin, end,
              [&sink](std::string_view data) { return sink.write(data.data(), data.size()); })
        .ok();
  };
  response.set_content_provider(
      static_cast<size_t>(part->end - part->begin), content_type.c_str(),
      [send, first = part->begin](size_t offset, size_t length, httplib::DataSink& sink) {
        const int64_t begin = first + static_cast<int64_t>(offset);
        return send(begin, begin + static_cast<int64_t>(length), sink);
      });
}

void HttpServer::Impl::SendStream(HttpAnswer answer, httplib::Response& response) {
  const std::shared_ptr<TextStream> stream = std::move(answer.stream);
  if (!streams_.Add(stream.get(), options_.max_streams)) {
    Send(rest::ErrorAnswer(Status(Code::kUnavailable,
                                  "too many streams are being read (max_streams " +
                                      std::to_string(options_.max_streams) + "); try again later")),
         response);
    return;
  }
  const bool events = answer.content_type == "text/event-stream";
  response.set_chunked_content_provider(
      answer.content_type.c_str(),
      [stream, events](size_t, httplib::DataSink& sink) {
        std::string text;
        const TextStream::Next next = stream->Read(&text, kKeepAlive);
        if (next == TextStream::Next::kNothingYet) {
          if (events) text = ": waiting\n\n";
          if (!events && !sink.is_writable()) return false;
        }
        if (!text.empty() && !sink.write(text.data(), text.size())) return false;
        if (next == TextStream::Next::kEnd) sink.done();
        return true;
      },
      [this, stream](bool) { streams_.Remove(stream.get()); });
}

Status HttpServer::Impl::Start() {
  AIFLOW_RETURN_IF_ERROR(MakeServer());
  Configure();
  Route();
  if (options_.port == 0) {
    port_ = server_->bind_to_any_port(options_.host.c_str());
  } else {
    port_ = server_->bind_to_port(options_.host.c_str(), options_.port) ? options_.port : -1;
  }
  if (port_ <= 0) {
    return {Code::kAlreadyExists,
            "cannot listen on " + options_.host + ":" + std::to_string(options_.port)};
  }
  listen(socket_, kBacklog);  // it listens already; this only makes the queue longer
  thread_ = std::thread([this] {
    const bool ended = server_->listen_after_bind();
    if (!ended && !stopping_ && handlers_.failed != nullptr) {
      handlers_.failed({Code::kUnavailable, "the HTTP port " + std::to_string(port_) +
                                                " accepts no connections any more"});
    }
  });
  // Stopping a server that does not listen yet would be lost.
  while (!server_->is_running()) std::this_thread::yield();
  return Status::Ok();
}

void HttpServer::Impl::Stop() {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable()) return;
  stopping_ = true;
  // Whoever sends or takes byte after byte is not waited for.
  std::jthread closer([this](const std::stop_token& done) {
    std::mutex mutex;
    std::unique_lock waiting(mutex);
    std::condition_variable_any changed;
    std::chrono::milliseconds patience = kStopPatience;
    while (!changed.wait_for(waiting, done, patience, [&done] { return done.stop_requested(); })) {
      server_->EndConnections();
      patience = std::chrono::milliseconds(100);
    }
  });
  // Once it is stopped, the library sends nothing of a stream any more, not even why it ended.
  streams_.End(kStopPatience);
  server_->stop();
  thread_.join();
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::Start(Options options, Handlers handlers) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(handlers));
  if (Status status = impl->Start(); !status.ok()) return Error(std::move(status));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

int HttpServer::port() const { return impl_->port(); }
void HttpServer::Stop() { impl_->Stop(); }

}  // namespace aiflow::api
