#include "api/access/access.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "api/access/connection_for_test.h"
#include "base/secret_file.h"

namespace aiflow::api {
namespace {

constexpr uint32_t kOwner = 1'000;
constexpr uint32_t kOther = 1'001;

class FakeOwners final : public SocketOwners {
 public:
  std::optional<uint32_t> RemoteOwner(const ConnectionEnds&) const override { return uid; }
  std::optional<uint32_t> uid;
};

Peer PeerOfUser(Peer::From from, std::optional<uint32_t> uid) { return {from, uid, "test"}; }

class AccessTest : public testing::Test {
 protected:
  const TemporaryDirectory directory_;
  const std::filesystem::path file_ = directory_.path() / "tokens";
  const Tokens tokens_{file_};
  const Access access_{{.owner = kOwner}, tokens_};
};

TEST_F(AccessTest, OwnUserAndRootNeedNoTokenOnThisMachine) {
  for (const Peer::From from : {Peer::From::kUnixSocket, Peer::From::kThisMachine}) {
    EXPECT_TRUE(access_.Check(PeerOfUser(from, kOwner), "").ok());
    EXPECT_TRUE(access_.Check(PeerOfUser(from, 0), "").ok());
  }
}

TEST_F(AccessTest, EverybodyElseNeedsAToken) {
  const std::string token = AddToken(file_, "laptop").value();
  for (const Peer& peer :
       {PeerOfUser(Peer::From::kUnixSocket, kOther), PeerOfUser(Peer::From::kThisMachine, kOther),
        PeerOfUser(Peer::From::kThisMachine, std::nullopt),
        PeerOfUser(Peer::From::kElsewhere, kOwner), PeerOfUser(Peer::From::kElsewhere, 0)}) {
    const Status refused = access_.Check(peer, "");
    EXPECT_EQ(refused.code(), Code::kUnauthenticated);
    EXPECT_NE(refused.message().find("aiflow token add"), std::string::npos) << refused;
    EXPECT_TRUE(access_.Check(peer, "Bearer " + token).ok());
    EXPECT_TRUE(access_.Check(peer, "bearer   " + token).ok());
    for (const std::string& wrong :
         {token, "Basic " + token, std::string("Bearer"), std::string("Bearer "),
          "Bearer " + token + "0", "Bearer " + token.substr(1),
          "Bearer " + std::string(kMaxTokenBytes + 1, 'x')}) {
      const Status status = access_.Check(peer, wrong);
      EXPECT_EQ(status.code(), Code::kUnauthenticated);
      EXPECT_EQ(status.message().find(token), std::string::npos) << "it tells the token";
    }
  }
}

TEST_F(AccessTest, AnOpenServerAsksNobody) {
  const Access open({.owner = kOwner, .open = true}, tokens_);
  EXPECT_TRUE(open.Check(PeerOfUser(Peer::From::kElsewhere, std::nullopt), "").ok());
}

TEST_F(AccessTest, ATokenThatWasAddedOrRemovedIsSoForTheNextCall) {
  const Peer peer = PeerOfUser(Peer::From::kElsewhere, std::nullopt);
  EXPECT_FALSE(access_.Check(peer, "Bearer x").ok());
  const std::string first = AddToken(file_, "first").value();
  const std::string second = AddToken(file_, "second").value();
  EXPECT_NE(first, second);
  EXPECT_TRUE(access_.Check(peer, "Bearer " + first).ok());
  ASSERT_TRUE(RemoveToken(file_, "first").ok());
  EXPECT_FALSE(access_.Check(peer, "Bearer " + first).ok());
  EXPECT_TRUE(access_.Check(peer, "Bearer " + second).ok());
  std::filesystem::remove(file_);
  EXPECT_FALSE(access_.Check(peer, "Bearer " + second).ok());
}

TEST_F(AccessTest, AFileOfTokensThatOthersMayReadHoldsNone) {
  std::vector<std::string> problems;
  const Tokens tokens(file_, [&](const Status& status) { problems.push_back(status.message()); });
  const Access access({.owner = kOwner}, tokens);
  const std::string token = AddToken(file_, "laptop").value();
  chmod(file_.c_str(), 0640);
  const Peer peer = PeerOfUser(Peer::From::kElsewhere, std::nullopt);
  EXPECT_FALSE(access.Check(peer, "Bearer " + token).ok());
  EXPECT_FALSE(access.Check(peer, "Bearer " + token).ok());
  ASSERT_EQ(problems.size(), 1U) << "told once per state of the file";
  EXPECT_NE(problems[0].find("chmod 600"), std::string::npos) << problems[0];
  chmod(file_.c_str(), 0600);
  EXPECT_TRUE(access.Check(peer, "Bearer " + token).ok());
}

TEST(TokensTest, TheFileHoldsDigestsForItsOwnerAlone) {
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "tokens";
  const mode_t before = umask(0);
  const std::string token = AddToken(file, "laptop").value();
  umask(before);
  struct stat found {};
  ASSERT_EQ(stat(file.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600U);
  EXPECT_EQ(ReadSecretFile(file)->find(token), std::string::npos);
  ASSERT_EQ(ListTokens(file)->size(), 1U);
  EXPECT_EQ(ListTokens(file)->front().name, "laptop");
}

TEST(TokensTest, RefusesNamesThatAreWrongOrTakenOrUnknown) {
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "tokens";
  for (const std::string& name : {std::string(), std::string("a b"), std::string("#x"),
                                  std::string("a\nb"), std::string(kMaxTokenNameBytes + 1, 'x')}) {
    EXPECT_EQ(AddToken(file, name).error().code(), Code::kInvalidArgument) << name;
  }
  ASSERT_TRUE(AddToken(file, "a").has_value());
  EXPECT_EQ(AddToken(file, "a").error().code(), Code::kAlreadyExists);
  EXPECT_EQ(RemoveToken(file, "b").code(), Code::kNotFound);
  EXPECT_TRUE(RemoveToken(file, "a").ok());
  EXPECT_TRUE(ListTokens(file)->empty());
}

TEST(TokensTest, ADamagedFileIsNeverOverwritten) {
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "tokens";
  ASSERT_TRUE(AddToken(file, "a").has_value());
  std::ofstream(file, std::ios::app) << "b nothex\n";
  const auto added = AddToken(file, "c");
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().code(), Code::kDataLoss);
  EXPECT_NE(added.error().message().find("line 3"), std::string::npos) << added.error();
  EXPECT_EQ(RemoveToken(file, "a").code(), Code::kDataLoss);
}

TEST(SecretFileTest, RefusesWhatIsNoPrivateFile) {
  const TemporaryDirectory directory;
  EXPECT_EQ(ReadSecretFile(directory.path() / "none").error().code(), Code::kNotFound);
  EXPECT_EQ(ReadSecretFile(directory.path()).error().code(), Code::kInvalidArgument);
  const std::filesystem::path file = directory.path() / "secret";
  std::ofstream(file) << "s";
  chmod(file.c_str(), 0604);
  EXPECT_EQ(ReadSecretFile(file).error().code(), Code::kPermissionDenied);
  chmod(file.c_str(), 0400);
  EXPECT_EQ(ReadSecretFile(file).value_or(""), "s");
}

TEST(PeerTest, OfALoopbackConnectionIsWhoMadeTheOtherEnd) {
  for (const char* address : {"127.0.0.1", "::1"}) {
    for (const SocketOwners* owners : {&SystemSocketOwners(), &ProcSocketOwners()}) {
      const auto connection = Connection::Make(address);
      if (!connection.has_value()) GTEST_SKIP() << "no " << address << " here";
      const Result<Peer> peer = PeerOf(connection->server(), *owners);
      ASSERT_TRUE(peer.has_value()) << peer.error();
      EXPECT_EQ(peer->from, Peer::From::kThisMachine);
      EXPECT_EQ(peer->uid, geteuid()) << address;
      EXPECT_EQ(peer->address, (std::string(address) == "::1" ? "[::1]:" : "127.0.0.1:") +
                                   std::to_string(connection->client_port()));
    }
  }
}

TEST(PeerTest, OfAConnectionFromAnIpv6SocketToIpv4IsKnownToo) {
  const auto connection = Connection::Make("127.0.0.1", /*mapped=*/true);
  if (!connection.has_value()) GTEST_SKIP() << "no IPv6 here";
  for (const SocketOwners* owners : {&SystemSocketOwners(), &ProcSocketOwners()}) {
    const Result<Peer> peer = PeerOf(connection->server(), *owners);
    ASSERT_TRUE(peer.has_value()) << peer.error();
    EXPECT_EQ(peer->uid, geteuid());
  }
}

// An orphan of the kernel has lost its user and reads as root's.
TEST(PeerTest, ThatHasClosedItsEndIsNotTakenForRoot) {
  for (const SocketOwners* owners : {&SystemSocketOwners(), &ProcSocketOwners()}) {
    auto connection = Connection::Make("127.0.0.1");
    ASSERT_TRUE(connection.has_value());
    connection->CloseClient();
    const Result<Peer> peer = PeerOf(connection->server(), *owners);
    ASSERT_TRUE(peer.has_value()) << peer.error();
    EXPECT_EQ(peer->uid, std::nullopt);
  }
}

TEST(PeerTest, OfAnotherUserIsThatUser) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  constexpr uid_t kNobody = 65'534;
  const auto listener = Listener::Make("127.0.0.1");
  ASSERT_TRUE(listener.has_value());
  int done[2];
  ASSERT_EQ(pipe(done), 0);
  const pid_t child = fork();
  if (child == 0) {
    char end = 0;
    close(done[1]);
    const bool connected = setuid(kNobody) == 0 && listener->Connect() >= 0;
    (void)!read(done[0], &end, 1);  // until the other end is closed
    _exit(connected ? 0 : 1);
  }
  close(done[0]);
  const int accepted = listener->Accept();
  for (const SocketOwners* owners : {&SystemSocketOwners(), &ProcSocketOwners()}) {
    const Result<Peer> peer = PeerOf(accepted, *owners);
    ASSERT_TRUE(peer.has_value()) << peer.error();
    EXPECT_EQ(peer->uid, kNobody);
  }
  close(accepted);
  close(done[1]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(PeerTest, OfAUnixSocketIsWhoConnected) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const Result<Peer> peer = PeerOf(ends[0], FakeOwners());
  ASSERT_TRUE(peer.has_value()) << peer.error();
  EXPECT_EQ(peer->from, Peer::From::kUnixSocket);
  EXPECT_EQ(peer->uid, geteuid());
  close(ends[0]);
  close(ends[1]);
}

TEST(PeerTest, OfAddressesIsTheSameAsOfTheSocket) {
  const auto connection = Connection::Make("127.0.0.1");
  ASSERT_TRUE(connection.has_value());
  const Peer peer =
      PeerOf("127.0.0.1", connection->client_port(), "127.0.0.1", connection->server_port());
  EXPECT_EQ(peer.from, Peer::From::kThisMachine);
  EXPECT_EQ(peer.uid, geteuid());
  const Peer nobody =
      PeerOf("127.0.0.1", connection->client_port(), "127.0.0.2", connection->server_port());
  EXPECT_EQ(nobody.uid, std::nullopt) << "there is no such connection";
}

TEST(PeerTest, WithOneAddressOfTheNetworkAtBothEndsIsHereIfTheKernelKnowsIt) {
  FakeOwners owners;
  EXPECT_EQ(PeerOf("10.0.0.1", 1, "10.0.0.1", 2, owners).from, Peer::From::kElsewhere);
  owners.uid = kOther;
  EXPECT_EQ(PeerOf("10.0.0.1", 1, "10.0.0.1", 2, owners).from, Peer::From::kThisMachine);
}

TEST(PeerTest, WithAnEndThatIsNotLoopbackIsFromElsewhere) {
  FakeOwners owners;
  owners.uid = geteuid();
  for (const auto& [remote, local] : {std::pair("10.0.0.1", "10.0.0.2"),
                                      {"127.0.0.1", "10.0.0.2"},
                                      {"10.0.0.1", "127.0.0.1"},
                                      {"fe80::1", "::1"},
                                      {"::ffff:10.0.0.1", "::1"},
                                      {"nonsense", "127.0.0.1"},
                                      {"", ""}}) {
    const Peer peer = PeerOf(remote, 1, local, 2, owners);
    EXPECT_EQ(peer.from, Peer::From::kElsewhere) << remote;
    EXPECT_EQ(peer.uid, std::nullopt) << remote;
  }
  EXPECT_EQ(PeerOf("::ffff:127.0.0.1", 1, "::ffff:127.0.0.1", 2, owners).from,
            Peer::From::kThisMachine);
}

}  // namespace
}  // namespace aiflow::api
