// A remote log behind a door: TLS, and a token that is good for servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "api/access/connection_for_test.h"
#include "api/access/tls_for_test.h"
#include "api/grpc/grpc_server.h"
#include "api/grpc/remote_event_log.h"
#include "base/clock.h"
#include "eventlog/log_service.h"
#include "storage/memory/memory_log.h"

namespace aiflow::api {
namespace {

using testing::HasSubstr;

const std::string kSecret(64, 's');
constexpr uint32_t kOwner = 4'001;

class Strangers final : public SocketOwners {
 public:
  std::optional<uint32_t> RemoteOwner(const ConnectionEnds&) const override { return kOwner + 1; }
};

class RemoteLogDoorTest : public testing::Test {
 protected:
  RemoteLogDoorTest() {
    auto socket = ListenSocket::Tcp("127.0.0.1", 0);
    auto tls = ReadTls(own_.certificate_file, own_.key_file, "");
    EXPECT_TRUE(socket.has_value() && tls.has_value());
    GrpcDoor door{.sockets = {}, .access = access_, .tls = *std::move(tls), .owners = strangers_};
    door.sockets.push_back(*std::move(socket));
    auto server = GrpcServer::StartLog(service_, std::move(door));
    EXPECT_TRUE(server.has_value()) << server.error();
    server_ = *std::move(server);
  }

  Result<std::unique_ptr<RemoteEventLog>> Open(const std::string& token) {
    RemoteLogOptions options;
    options.address = "127.0.0.1:" + std::to_string(server_->port());
    options.secret = kSecret;
    options.patience = Millis(2'000);
    options.credentials.token = token;
    options.credentials.tls = true;
    options.credentials.ca = own_.certificate;
    return RemoteEventLog::Open(std::move(options));
  }

  const TemporaryDirectory directory_;
  const std::filesystem::path file_ = directory_.path() / "tokens";
  const SelfSigned own_{directory_.path()};
  const Tokens tokens_{file_};
  const Access access_{{.owner = kOwner, .add_token = "notification token add NAME"}, tokens_};
  const Strangers strangers_;
  MemoryLog log_{SystemClock(), "log"};
  LogService service_{log_, {}};
  std::unique_ptr<GrpcServer> server_;
};

TEST_F(RemoteLogDoorTest, Rule6OnlyATokenForServersOpensTheLogToAStranger) {
  const auto none = Open("");
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code(), Code::kUnauthenticated);
  EXPECT_THAT(none.error().message(), HasSubstr("notification_token_file"));
  const auto client = Open(*AddToken(file_, "client"));
  ASSERT_FALSE(client.has_value());
  EXPECT_EQ(client.error().code(), Code::kPermissionDenied);
  EXPECT_THAT(client.error().message(), HasSubstr("notification token add NAME --server"));
  EXPECT_EQ(log_.owner(), "") << "nobody has claimed it";

  const auto remote = Open(*AddToken(file_, "aiflow", /*server=*/true));
  ASSERT_TRUE(remote.has_value()) << remote.error();
  Event event;
  event.key = "k";
  event.id = "i/1";
  ASSERT_TRUE((*remote)->Append({event}).has_value());
  EXPECT_EQ(service_.head(), 1);
  (*remote)->Interrupt();
}

TEST_F(RemoteLogDoorTest, ATokenThatIsRemovedEndsNextCalls) {
  const auto remote = Open(*AddToken(file_, "aiflow", /*server=*/true));
  ASSERT_TRUE(remote.has_value()) << remote.error();
  ASSERT_TRUE(RemoveToken(file_, "aiflow").ok());
  const auto read = (*remote)->Count({});
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code(), Code::kUnauthenticated);
}

}  // namespace
}  // namespace aiflow::api
