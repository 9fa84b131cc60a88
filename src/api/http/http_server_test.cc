// The HTTP port over real sockets, before a REST API on a log in memory.
#include "api/http/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "api/access/connection_for_test.h"
#include "api/access/tls_for_test.h"
#include "api/grpc/grpc_server.h"
#include "api/http/socket_stream.h"
#include "base/clock.h"
#include "eventlog/log_service.h"
#include "storage/memory/memory_log.h"

namespace aiflow::api {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest()
      : log_(SystemClock(), "log"),
        service_(log_, {}),
        grpc_(*GrpcServer::StartNotification(service_, "127.0.0.1", 0)),
        rest_(*rest::Transcoder::Make({{"aiflow.v1.EventLog", grpc_->InProcessChannel()}}, {})) {
    options_.port = 0;
    handlers_.not_ready = [this] { return not_ready_; };
    handlers_.rest = rest_.get();
  }

  void Start() {
    auto server = HttpServer::Start(options_, handlers_);
    ASSERT_TRUE(server.has_value()) << server.error();
    server_ = *std::move(server);
    client_ = std::make_unique<httplib::Client>("127.0.0.1", server_->port());
  }
  void Append(const std::string& key) {
    std::promise<void> done;
    service_.AppendAsync(Event{.key = key}, Admission::kInternal,
                         [&done](const auto&) { done.set_value(); });
    done.get_future().wait();
  }

  /// What was told of the requests so far.
  std::vector<std::string> Answered() {
    const std::lock_guard lock(answered_mutex_);
    return answered_;
  }
  void Listen() {
    handlers_.answered = [this](const std::string& method, const std::string& route, int status) {
      const std::lock_guard lock(answered_mutex_);
      answered_.push_back(method + " " + route + " " + std::to_string(status));
    };
  }

  std::mutex answered_mutex_;
  std::vector<std::string> answered_;
  MemoryLog log_;
  LogService service_;
  std::unique_ptr<GrpcServer> grpc_;
  std::unique_ptr<rest::Transcoder> rest_;
  std::string not_ready_;
  HttpServer::Options options_;
  HttpServer::Handlers handlers_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<httplib::Client> client_;
};

TEST_F(HttpServerTest, SaysWhetherItIsAliveAndReady) {
  Start();
  EXPECT_EQ(client_->Get("/healthz")->body, "ok\n");
  EXPECT_EQ(client_->Get("/readyz")->status, 200);
  not_ready_ = "recovering: 3 of 9 events";
  const auto answer = client_->Get("/readyz");
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->body, "recovering: 3 of 9 events\n");
  EXPECT_EQ(client_->Get("/healthz")->status, 200);
}

TEST_F(HttpServerTest, ServesTheApiAndItsDocument) {
  Start();
  EXPECT_EQ(client_->Post("/api/v1/events", R"({"key":"k"})", "application/json")->status, 200);
  EXPECT_THAT(client_->Get("/api/v1/events")->body, HasSubstr("\"key\":\"k\""));
  EXPECT_THAT(client_->Get("/api/v1/openapi.json")->body, HasSubstr("\"openapi\": \"3.0"));
  const auto nothing = client_->Get("/elsewhere");
  EXPECT_EQ(nothing->status, 404);
  EXPECT_THAT(nothing->body, HasSubstr("NOT_FOUND"));
}

// Fault A18: no web page reaches the port by a name of its own.
TEST_F(HttpServerTest, OtherHostsAndOriginsAreRefused) {
  Start();
  EXPECT_EQ(client_->Get("/api/v1/events", {{"Host", "evil.example"}})->status, 403);
  EXPECT_EQ(client_->Get("/api/v1/events", {{"Origin", "http://evil.example"}})->status, 403);
  // A page of another server on this machine is another's, too.
  EXPECT_EQ(client_->Get("/api/v1/events", {{"Origin", "http://localhost:1"}})->status, 403);
  const std::string own = "127.0.0.1:" + std::to_string(server_->port());
  EXPECT_EQ(client_->Get("/api/v1/events", {{"Origin", "http://" + own}})->status, 200);
  EXPECT_EQ(client_
                ->Post("/api/v1/events", {{"Origin", "http://evil.example"}}, R"({"key":"k"})",
                       "text/plain")
                ->status,
            403);
  EXPECT_EQ(log_.head(), 0);
}

TEST_F(HttpServerTest, ByAnotherNameItAnswersWhoBringsAToken) {
  handlers_.admit = [](const auto&, const std::string&) { return Status::Ok(); };
  handlers_.check_token = [](const std::string& authorization) {
    return authorization == "Bearer good" ? Status::Ok() : Status(Code::kUnauthenticated, "no");
  };
  Start();
  EXPECT_EQ(client_->Get("/api/v1/events", {{"Host", "flow.example"}})->status, 403);
  EXPECT_EQ(
      client_->Get("/api/v1/events", {{"Host", "flow.example"}, {"Authorization", "Bearer good"}})
          ->status,
      200);
}

TEST_F(HttpServerTest, WhoIsNotAdmittedGetsTheReasonButHealthIsOpen) {
  handlers_.admit = [this](const HttpServer::Connection& connection,
                           const std::string& authorization) {
    EXPECT_EQ(connection.remote_address, "127.0.0.1");
    EXPECT_GT(connection.remote_port, 0);
    EXPECT_EQ(connection.local_port, server_->port());
    return authorization == "Bearer good" ? Status::Ok()
                                          : Status(Code::kUnauthenticated, "bring a token");
  };
  Start();
  const auto refused = client_->Get("/api/v1/events");
  EXPECT_EQ(refused->status, 401);
  EXPECT_THAT(refused->body, HasSubstr("bring a token"));
  EXPECT_EQ(refused->get_header_value("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(client_->Get("/api/v1/events", {{"Authorization", "Bearer good"}})->status, 200);
  EXPECT_EQ(client_->Get("/readyz")->status, 200);
}

TEST_F(HttpServerTest, AStreamTellsWhatComesUntilTheServerStops) {
  Start();
  std::promise<void> first;
  std::string text;
  std::thread reader([&] {
    httplib::Client client("127.0.0.1", server_->port());
    client.Get("/api/v1/events/stream", [&](const char* data, size_t size) {
      const bool had = text.find("id: 1") != std::string::npos;
      text.append(data, size);
      if (!had && text.find("id: 1") != std::string::npos) first.set_value();
      return true;
    });
  });
  Append("k");
  first.get_future().wait();
  server_->Stop();
  reader.join();
  EXPECT_THAT(text, HasSubstr("event: error"));
}

// So that plain requests still find a thread.
TEST_F(HttpServerTest, AStreamBeyondTheBoundIsRefusedAndRequestsAreStillServed) {
  options_.max_streams = 3;
  options_.max_requests = 2;
  Start();
  Append("k");
  std::vector<std::thread> readers;
  std::vector<std::promise<void>> begun(3);
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([this, &begun, i] {
      httplib::Client client("127.0.0.1", server_->port());
      bool told = false;
      client.Get("/api/v1/events/stream", [&](const char*, size_t) {
        if (!told) begun[static_cast<size_t>(i)].set_value();
        told = true;
        return true;
      });
    });
  }
  for (auto& one : begun) one.get_future().wait();
  const auto refused = client_->Get("/api/v1/events/stream");
  EXPECT_EQ(refused->status, 503);
  EXPECT_THAT(refused->body, HasSubstr("max_streams 3"));
  EXPECT_FALSE(refused->get_header_value("Retry-After").empty());
  EXPECT_EQ(client_->Get("/healthz")->status, 200);
  server_->Stop();
  for (std::thread& reader : readers) reader.join();
}

TEST_F(HttpServerTest, AReaderThatGoesAwayFreesItsPlace) {
  options_.max_streams = 1;
  Start();
  Append("k");
  for (int i = 0; i < 3; ++i) {
    httplib::Client client("127.0.0.1", server_->port());
    // Reads one piece and leaves.
    const auto answer =
        client.Get("/api/v1/events/stream", [](const char*, size_t) { return false; });
    EXPECT_FALSE(answer);
    // The server sees it at the next thing it tells.
    int status = 0;
    for (int tries = 0; tries < 500 && status != 200; ++tries) {
      Append("k");
      httplib::Client other("127.0.0.1", server_->port());
      other.Get(
          "/api/v1/events/stream",
          [&status](const httplib::Response& response) {
            status = response.status;
            return false;
          },
          [](const char*, size_t) { return false; });
    }
    EXPECT_EQ(status, 200);
  }
}

TEST_F(HttpServerTest, ARequestWithoutALengthHasNoBodyAndDoesNotWait) {
  Start();
  // As `curl -X POST` sends it.
  httplib::Client client("127.0.0.1", server_->port());
  httplib::Request request;
  request.method = "POST";
  request.path = "/api/v1/events";
  const auto before = std::chrono::steady_clock::now();
  const auto answer = client.send(request);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 400);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
}

TEST_F(HttpServerTest, MethodsThatNobodyAnswersAreSaid) {
  Start();
  for (const char* method : {"TRACE", "OPTIONS", "CONNECT"}) {
    httplib::Request request;
    request.method = method;
    request.path = "/api/v1/events";
    const auto answer = client_->send(request);
    ASSERT_TRUE(answer) << method;
    EXPECT_EQ(answer->status, 405) << method;
    EXPECT_THAT(answer->get_header_value("Allow"), HasSubstr("GET")) << method;
  }
}

int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  return fd;
}

/// Until the server closes the connection; closes it, too.
std::string ReadAll(int fd) {
  std::string answer;
  char piece[4096];
  for (ssize_t size = 0; (size = recv(fd, piece, sizeof(piece), 0)) > 0;) {
    answer.append(piece, static_cast<size_t>(size));
  }
  close(fd);
  return answer;
}

/// Sends bytes, reads until the server closes the connection.
std::string Talk(int port, const std::string& bytes) {
  const int fd = Connect(port);
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t size = send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (size <= 0) break;  // it has been answered before
    sent += static_cast<size_t>(size);
  }
  return ReadAll(fd);
}

// A web page can send any body, but not any header: what is refused must not be read on.
TEST_F(HttpServerTest, ABodyThatWasRefusedIsNotReadAsARequest) {
  Start();
  const std::string inner =
      "POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Length: 11\r\n\r\n{\"key\":\"k\"}";
  for (const std::string target : {"/api/v1/events", "/api/v1/nothing", "/elsewhere"}) {
    const std::string body = std::string(4096, ' ') + inner;
    const std::string answer = Talk(
        server_->port(), "POST " + target +
                             " HTTP/1.1\r\nHost: localhost\r\nOrigin: "
                             "http://evil.example\r\nContent-Type: text/plain\r\nContent-Length: " +
                             std::to_string(body.size()) + "\r\n\r\n" + body);
    EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 403")) << target;
    EXPECT_THAT(answer.substr(1), testing::Not(HasSubstr("HTTP/1.1"))) << target;
  }
  EXPECT_EQ(log_.head(), 0);
}

// The library's own reading of heads has no bound.
TEST_F(HttpServerTest, AHeadWithoutAnEndIsRefusedAtItsBound) {
  Start();
  const int fd = Connect(server_->port());
  std::string lines = "GET / HTTP/1.1\r\n";
  for (int i = 0; lines.size() < 2 * SocketStream::kMaxHeadBytes; ++i) {
    lines += "X" + std::to_string(i) + ": " + std::string(100, 'x') + "\r\n";
  }
  ASSERT_EQ(send(fd, lines.data(), lines.size(), MSG_NOSIGNAL), static_cast<ssize_t>(lines.size()));
  const std::string answer = ReadAll(fd);
  EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(answer, HasSubstr("64 KiB"));
  // Nor a line without an end.
  EXPECT_EQ(Talk(server_->port(), std::string(2 * SocketStream::kMaxHeadBytes, 'x')), "");
  EXPECT_EQ(client_->Get("/healthz")->status, 200);
}

TEST_F(HttpServerTest, WhoStillSendsABodyThatIsRefusedGetsTheAnswer) {
  Start();
  const std::string head =
      "POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n"
      "Content-Length: 4194304\r\n\r\n";
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(Talk(server_->port(), head + std::string(4 << 20, ' ')),
                testing::StartsWith("HTTP/1.1 403"));
  }
}

TEST_F(HttpServerTest, OverTlsItServesTheSame) {
  const TemporaryDirectory directory;
  const SelfSigned own(directory.path());
  const SelfSigned client_ca(directory.path(), "client");
  options_.certificate_file = own.certificate_file;
  options_.key_file = own.key_file;
  options_.client_ca_file = client_ca.certificate_file;
  Start();
  httplib::SSLClient client("localhost", server_->port(), client_ca.certificate_file,
                            client_ca.key_file);
  client.set_ca_cert_path(own.certificate_file.c_str());
  const std::string value(1 << 19, 'v');
  const auto sent =
      client.Post("/api/v1/events", R"({"key":"k","value":")" + value + "\"}", "application/json");
  ASSERT_TRUE(sent) << to_string(sent.error());
  EXPECT_EQ(sent->status, 200) << sent->body;
  EXPECT_THAT(client.Get("/api/v1/events")->body, HasSubstr(value));
  std::string text;
  client.Get("/api/v1/events/stream", [&text](const char* data, size_t size) {
    text.append(data, size);
    return !text.ends_with("\n\n");
  });
  EXPECT_THAT(text, testing::StartsWith("id: 1\n"));
  EXPECT_THAT(text, HasSubstr(value));

  httplib::SSLClient stranger("localhost", server_->port());
  stranger.set_ca_cert_path(own.certificate_file.c_str());
  EXPECT_FALSE(stranger.Get("/healthz"));
  // As over gRPC, processes of this machine need no TLS.
  EXPECT_EQ(client_->Get("/healthz")->status, 200);
  EXPECT_EQ(client.Get("/healthz")->status, 200);
}

TEST_F(HttpServerTest, ClientsThatNeverEndAreNotWaitedFor) {
  Start();
  const int fd = Connect(server_->port());
  std::atomic<bool> stop = false;
  std::thread dripping([&] {
    // One byte of a header after the other, each within the time limit of a read.
    send(fd, "GET / HTTP/1.1\r\nX: ", 19, MSG_NOSIGNAL);
    while (!stop && send(fd, "x", 1, MSG_NOSIGNAL) == 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  EXPECT_EQ(client_->Get("/healthz")->status, 200);
  server_->Stop();  // returns
  stop = true;
  dripping.join();
  close(fd);
}

TEST_F(HttpServerTest, RangesAndCompressionAreOfFilesAlone) {
  Start();
  Append("k");
  const auto answer =
      client_->Get("/api/v1/events", {{"Range", "bytes=0-9"}, {"Accept-Encoding", "gzip"}});
  EXPECT_EQ(answer->status, 200);
  EXPECT_FALSE(answer->has_header("Content-Range"));
  EXPECT_FALSE(answer->has_header("Content-Encoding"));
  EXPECT_THAT(answer->body, testing::EndsWith("}\n"));
}

TEST_F(HttpServerTest, AFormIsNotABody) {
  Start();
  const auto answer =
      client_->Post("/api/v1/events", "--x\r\n\r\n--x--\r\n", "multipart/form-data; boundary=x");
  EXPECT_EQ(answer->status, 415);
}

TEST_F(HttpServerTest, LongAddressesAreRefusedAndOddOnesUnderstood) {
  Start();
  EXPECT_EQ(client_->Get("/api/v1/" + std::string(8000, 'x'))->status, 404);
  EXPECT_EQ(client_->Get("/api/v1/" + std::string(9000, 'x'))->status, 414);
  EXPECT_EQ(client_->Get("/api/v1/a%0Ab")->status, 404);
}

TEST_F(HttpServerTest, APortInUseIsSaid) {
  Start();
  options_.port = server_->port();
  const auto second = HttpServer::Start(options_, handlers_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), Code::kAlreadyExists);
}

TEST_F(HttpServerTest, FilesThatAreNoCertificateAreRefused) {
  options_.certificate_file = "/dev/null";
  options_.key_file = "/dev/null";
  const auto server = HttpServer::Start(options_, handlers_);
  ASSERT_FALSE(server.has_value());
  EXPECT_EQ(server.error().code(), Code::kInvalidArgument);
}

TEST_F(HttpServerTest, AnsweredRequestsAreToldByTheTemplateOfTheirPath) {
  Listen();
  handlers_.metrics = [] { return std::string("page\n"); };
  Start();
  for (const char* path :
       {"/healthz", "/metrics", "/api/v1/events", "/api/v1/secret/7", "/wp-login.php?a=1"}) {
    ASSERT_TRUE(client_->Get(path));
  }
  ASSERT_TRUE(client_->Get("/healthz", {{"Host", "evil.example"}}));
  ASSERT_TRUE(client_->Options("/healthz"));
  server_->Stop();  // all have been told by now
  EXPECT_THAT(Answered(), testing::UnorderedElementsAre("GET /healthz 200", "GET /metrics 200",
                                                        "GET /api/v1/events 200", "GET other 404",
                                                        "GET other 404", "GET /healthz 403",
                                                        "other /healthz 405"));
}

}  // namespace
}  // namespace aiflow::api
