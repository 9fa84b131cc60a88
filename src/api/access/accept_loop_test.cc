#include "api/access/accept_loop.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <vector>

#include "api/access/connection_for_test.h"

namespace aiflow::api {
namespace {

constexpr std::chrono::seconds kPatience{20};

/// A loop on a free port, and what it handed on.
class AcceptLoopTest : public testing::Test {
 protected:
  struct Taken {
    int fd;
    Peer peer;
    bool speaks_tls;
  };
  ~AcceptLoopTest() override {
    if (loop_ != nullptr) loop_->Stop();
    for (const Taken& taken : taken_) close(taken.fd);
    for (const int client : clients_) close(client);
  }

  void Start(AcceptLoop::Options options) {
    auto socket = ListenSocket::Tcp("127.0.0.1", 0);
    ASSERT_TRUE(socket.has_value()) << socket.error();
    port_ = socket->port();
    std::vector<ListenSocket> sockets;
    sockets.push_back(*std::move(socket));
    loop_ = std::make_unique<AcceptLoop>(std::move(sockets), options,
                                         [this](int fd, const Peer& peer, bool speaks_tls) {
                                           const std::lock_guard lock(mutex_);
                                           taken_.push_back({fd, peer, speaks_tls});
                                           changed_.notify_all();
                                         });
    ASSERT_TRUE(loop_->Start().ok());
  }
  int NewSocket() {
    clients_.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return clients_.back();
  }
  void Connect(int client) const {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<uint16_t>(port_));
    ASSERT_EQ(connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  }
  int Connect() {
    const int client = NewSocket();
    Connect(client);
    return client;
  }
  std::vector<Taken> WaitForTaken(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return taken_.size() >= count; }));
    return taken_;
  }
  static bool WasClosed(int client) {
    pollfd entry{client, POLLIN, 0};
    char byte = 0;
    return poll(&entry, 1, std::chrono::milliseconds(kPatience).count()) == 1 &&
           recv(client, &byte, 1, 0) <= 0;
  }

  int port_ = 0;
  std::vector<int> clients_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Taken> taken_;  // guarded by mutex_
  std::unique_ptr<AcceptLoop> loop_;
};

TEST_F(AcceptLoopTest, HandsOnAConnectionAtOnceWithItsPeer) {
  Start({});
  Connect();  // and says nothing
  const std::vector<Taken> taken = WaitForTaken(1);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].peer.uid, geteuid());
  EXPECT_FALSE(taken[0].speaks_tls);
}

TEST_F(AcceptLoopTest, TellsTlsFromOthersByTheFirstByteThatStaysThere) {
  Start({.expect_tls = true});
  ASSERT_EQ(send(Connect(), "\x16\x03", 2, 0), 2);
  ASSERT_TRUE(WaitForTaken(1)[0].speaks_tls);
  ASSERT_EQ(send(Connect(), "PRI", 3, 0), 3);
  const std::vector<Taken> taken = WaitForTaken(2);
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_FALSE(taken[1].speaks_tls);
  char text[4] = {};
  EXPECT_EQ(recv(taken[1].fd, text, 3, 0), 3);
  EXPECT_STREQ(text, "PRI");
}

TEST_F(AcceptLoopTest, PeersThatSayNothingKeepNobodyWaitingAndAreClosedWhenTheirTimeIsOver) {
  Start({.expect_tls = true, .first_byte = std::chrono::milliseconds(1)});
  const int silent = Connect();
  ASSERT_EQ(send(Connect(), "P", 1, 0), 1);
  EXPECT_TRUE(WasClosed(silent));
}

TEST_F(AcceptLoopTest, TheOldestThatSaysNothingMakesRoomForANewOne) {
  Start({.expect_tls = true, .first_byte = std::chrono::hours(1), .max_undecided = 2});
  const int first = Connect();
  const int second = Connect();
  const int third = Connect();
  EXPECT_TRUE(WasClosed(first));
  ASSERT_EQ(send(second, "P", 1, 0), 1);
  ASSERT_EQ(send(third, "P", 1, 0), 1);
  EXPECT_EQ(WaitForTaken(2).size(), 2U);
}

TEST_F(AcceptLoopTest, ConnectionsWaitWhileTheProcessHasNoMoreFiles) {
  Start({});
  const int first = NewSocket();
  const int second = NewSocket();
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{static_cast<rlim_t>(second) + 1, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  Connect(first);
  Connect(second);
  ASSERT_EQ(send(first, "P", 1, 0), 1) << "a connection that waits is not refused";
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(WaitForTaken(2).size(), 2U);
}

TEST_F(AcceptLoopTest, AfterStopNobodyCanConnect) {
  Start({.expect_tls = true});
  const int waiting = Connect();
  loop_->Stop();
  loop_->Stop();
  EXPECT_TRUE(WasClosed(waiting));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<uint16_t>(port_));
  EXPECT_NE(connect(NewSocket(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
}

TEST(ListenSocketTest, OfUnixIsForItsOwnerAloneAndGoesWithTheObject) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory.path() / "run" / "s.sock";
  const mode_t before = umask(0);
  {
    const auto socket = ListenSocket::Unix(path);
    ASSERT_TRUE(socket.has_value()) << socket.error();
    struct stat found {};
    ASSERT_EQ(stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600U);
    ASSERT_EQ(stat(path.parent_path().c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0700U);
    const auto again = ListenSocket::Unix(path);
    EXPECT_TRUE(again.has_value()) << "one that a killed server left is replaced";
  }
  umask(before);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ListenSocketTest, RefusesAPathThatIsTooLong) {
  const TemporaryDirectory directory;
  const auto socket = ListenSocket::Unix(directory.path() / std::string(100, 'x') / "s.sock");
  ASSERT_FALSE(socket.has_value());
  EXPECT_EQ(socket.error().code(), Code::kInvalidArgument);
  EXPECT_NE(socket.error().message().find("107"), std::string::npos) << socket.error();
}

TEST(ListenSocketTest, NamesAnAddressThatIsInUse) {
  const auto socket = ListenSocket::Tcp("127.0.0.1", 0);
  ASSERT_TRUE(socket.has_value()) << socket.error();
  const auto second = ListenSocket::Tcp("127.0.0.1", socket->port());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), Code::kAlreadyExists);
  EXPECT_NE(second.error().message().find(std::to_string(socket->port())), std::string::npos);
}

}  // namespace
}  // namespace aiflow::api
