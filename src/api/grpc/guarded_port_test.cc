// Who may call, over real sockets; who holds the other end is told by a fake.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aiflow/v1/event_log.grpc.pb.h"
#include "api/access/connection_for_test.h"
#include "api/access/tls_for_test.h"
#include "api/grpc/grpc_server.h"
#include "base/clock.h"
#include "eventlog/log_service.h"
#include "notification_service/notification_service.grpc.pb.h"
#include "storage/memory/memory_log.h"

namespace aiflow::api {
namespace {

namespace ns = notification_service;
using testing::HasSubstr;

constexpr uint32_t kOwner = 4'001;
constexpr uint32_t kStranger = 4'002;

class FakeOwners final : public SocketOwners {
 public:
  std::optional<uint32_t> RemoteOwner(const ConnectionEnds&) const override {
    ++asked;
    return uid.load();
  }
  std::atomic<uint32_t> uid = kStranger;
  mutable std::atomic<int> asked = 0;
};

class GuardedPortTest : public testing::Test {
 protected:
  GuardedPortTest() : log_(SystemClock(), "log"), service_(log_, {}) {}

  void Start(std::optional<Tls> tls = std::nullopt, bool open = false) {
    access_.emplace(Access::Options{.owner = kOwner, .open = open}, tokens_);
    auto socket = ListenSocket::Tcp("127.0.0.1", 0);
    ASSERT_TRUE(socket.has_value()) << socket.error();
    GrpcDoor door{.sockets = {}, .access = *access_, .tls = std::move(tls), .owners = owners_};
    door.sockets.push_back(*std::move(socket));
    auto local = ListenSocket::Unix(unix_path_);
    ASSERT_TRUE(local.has_value()) << local.error();
    door.sockets.push_back(*std::move(local));
    auto server = GrpcServer::StartNotification(service_, std::move(door));
    ASSERT_TRUE(server.has_value()) << server.error();
    server_ = *std::move(server);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(server_->port()); }

  /// As a client that knows nothing of all this would.
  std::shared_ptr<grpc::Channel> Plain() const {
    return grpc::CreateChannel(address(), grpc::InsecureChannelCredentials());
  }
  std::shared_ptr<grpc::Channel> WithTls(const SelfSigned* client = nullptr) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = own_.certificate;
    if (client != nullptr) {
      options.pem_private_key = client->private_key;
      options.pem_cert_chain = client->certificate;
    }
    return grpc::CreateChannel(address(), grpc::SslCredentials(options));
  }
  Result<Tls> OwnTls(const std::filesystem::path& client_ca = {}) const {
    return ReadTls(own_.certificate_file, own_.key_file, client_ca);
  }

  static grpc::Status Send(const std::shared_ptr<grpc::Channel>& channel,
                           const std::string& token = "") {
    ns::SendEventRequest request;
    request.mutable_event()->set_key("k");
    grpc::ClientContext context;
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    ns::SendEventsResponse response;
    return ns::NotificationService::NewStub(channel)->sendEvent(&context, request, &response);
  }
  void ExpectRefused(const grpc::Status& status, const std::string& why) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr(why));
    EXPECT_EQ(service_.head(), before_) << "the handler was called";
  }
  void ExpectDone(const grpc::Status& status) {
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(service_.head(), ++before_);
  }

  const TemporaryDirectory directory_;
  const std::filesystem::path file_ = directory_.path() / "tokens";
  const std::filesystem::path unix_path_ = directory_.path() / "run" / "n.sock";
  const SelfSigned own_{directory_.path()};
  const Tokens tokens_{file_};
  FakeOwners owners_;
  std::optional<Access> access_;
  MemoryLog log_;
  LogService service_;
  Offset before_ = 0;
  std::unique_ptr<GrpcServer> server_;
};

TEST_F(GuardedPortTest, OwnUserCallsAsBeforeAndIsLookedAtOnce) {
  owners_.uid = kOwner;
  Start();
  const auto channel = Plain();
  for (int i = 0; i < 3; ++i) ExpectDone(Send(channel));
  EXPECT_EQ(owners_.asked, 1);
}

TEST_F(GuardedPortTest, AStrangersCallNeverReachesItsHandler) {
  Start();
  const auto channel = Plain();
  ExpectRefused(Send(channel), "aiflow token add");
  ExpectRefused(Send(channel, "wrong"), "not one of this server's");
  grpc::ClientContext context;
  const auto stream = v1::EventLog::NewStub(channel)->Publish(&context);
  v1::PublishRequest request;
  request.mutable_event()->set_key("k");
  stream->Write(request);
  v1::PublishResponse response;
  EXPECT_FALSE(stream->Read(&response));
  ExpectRefused(stream->Finish(), "aiflow token add");
}

TEST_F(GuardedPortTest, AStrangerWithATokenIsServedUntilTheTokenIsRemoved) {
  Start();
  const auto channel = Plain();
  const std::string token = AddToken(file_, "laptop").value();
  ExpectDone(Send(channel, token));
  ASSERT_TRUE(RemoveToken(file_, "laptop").ok());
  ExpectRefused(Send(channel, token), "removed");
}

TEST_F(GuardedPortTest, TwoAuthorizationsAreNone) {
  Start();
  const std::string token = AddToken(file_, "laptop").value();
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer wrong");
  context.AddMetadata("authorization", "Bearer " + token);
  ns::SendEventRequest request;
  request.mutable_event()->set_key("k");
  ns::SendEventsResponse response;
  ExpectRefused(ns::NotificationService::NewStub(Plain())->sendEvent(&context, request, &response),
                "token");
}

TEST_F(GuardedPortTest, AnOpenServerAsksNobody) {
  Start(std::nullopt, /*open=*/true);
  ExpectDone(Send(Plain()));
}

TEST_F(GuardedPortTest, AUnixSocketServesItsOwnUser) {
  if (geteuid() != 0 && geteuid() != kOwner) GTEST_SKIP() << "neither root nor the owner";
  Start();
  ExpectDone(
      Send(grpc::CreateChannel("unix:" + unix_path_.string(), grpc::InsecureChannelCredentials())));
}

TEST_F(GuardedPortTest, WithTlsAStrangerNeedsATokenAndOwnUserNothing) {
  const std::string token = AddToken(file_, "laptop").value();
  Start(OwnTls().value());
  ExpectRefused(Send(WithTls()), "aiflow token add");
  ExpectDone(Send(WithTls(), token));
  ExpectDone(Send(Plain(), token));
  server_->Shutdown(std::chrono::milliseconds(0));
  owners_.uid = kOwner;
  Start(OwnTls().value());
  ExpectDone(Send(WithTls()));
  ExpectDone(Send(Plain()));  // a task that knows nothing of TLS
}

TEST_F(GuardedPortTest, WithAClientAuthorityOnlyItsClientsGetThroughTls) {
  const std::string token = AddToken(file_, "laptop").value();
  const SelfSigned client(directory_.path(), "client");
  const SelfSigned other(directory_.path(), "other");
  Start(OwnTls(client.certificate_file).value());
  EXPECT_EQ(Send(WithTls(), token).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Send(WithTls(&other), token).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(service_.head(), before_);
  ExpectRefused(Send(WithTls(&client)), "aiflow token add");
  ExpectDone(Send(WithTls(&client), token));
}

TEST_F(GuardedPortTest, ConnectionsThatSayNothingKeepNobodyWaiting) {
  owners_.uid = kOwner;
  for (const bool tls : {false, true}) {
    Start(tls ? std::optional(OwnTls().value()) : std::nullopt);
    std::vector<int> idle;
    for (int i = 0; i < 100; ++i) {
      const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      to.sin_port = htons(static_cast<uint16_t>(server_->port()));
      ASSERT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
      if (i % 2 == 0) {  // begins, and says no more
        ASSERT_EQ(send(fd, tls ? "\x16" : "P", 1, 0), 1);
      }
      idle.push_back(fd);
    }
    ExpectDone(Send(Plain()));
    for (const int fd : idle) close(fd);
    ExpectDone(Send(Plain()));
    server_->Shutdown(std::chrono::milliseconds(0));
  }
}

}  // namespace
}  // namespace aiflow::api
