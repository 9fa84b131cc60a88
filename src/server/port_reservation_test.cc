#include "server/port_reservation.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "server/home.h"
#include "server/server_main.h"

namespace aiflow::server {
namespace {

constexpr char kHost[] = "127.0.0.1";

// A port that is reserved but has no listener may be reserved beside, so that these tests keep
// what they compare with and no other process comes between.

TEST(PortReservationTest, TakesThePortOfBeforeWhereTheSystemMayChoose) {
  const auto before = PortReservation::Take(kHost, 0);
  ASSERT_TRUE(before.has_value()) << before.error();
  const auto again = PortReservation::TakeAgain(kHost, 0, before->port());
  ASSERT_TRUE(again.has_value()) << again.error();
  EXPECT_EQ(again->port(), before->port());
  const auto never = PortReservation::TakeAgain(kHost, 0, 0);
  ASSERT_TRUE(never.has_value()) << never.error();
  EXPECT_NE(never->port(), 0);
}

TEST(PortReservationTest, TakesAnotherWhenSomebodyListensOnThePortOfBefore) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(fd, 1), 0);
  ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const int before = ntohs(address.sin_port);
  const auto taken = PortReservation::TakeAgain(kHost, 0, before);
  ASSERT_TRUE(taken.has_value()) << taken.error();
  EXPECT_NE(taken->port(), before);
  EXPECT_NE(taken->port(), 0);
  close(fd);
}

TEST(PortReservationTest, APortThatIsAskedForIsNotReplaced) {
  const auto before = PortReservation::Take(kHost, 0);
  const auto wanted = PortReservation::Take(kHost, 0);
  ASSERT_TRUE(before.has_value() && wanted.has_value());
  const auto taken = PortReservation::TakeAgain(kHost, wanted->port(), before->port());
  ASSERT_TRUE(taken.has_value()) << taken.error();
  EXPECT_EQ(taken->port(), wanted->port());
}

TEST(PortReservationTest, ReadsPortsOfAddresses) {
  EXPECT_EQ(PortOf("127.0.0.1:50051"), 50051);
  EXPECT_EQ(PortOf("[::1]:50052"), 50052);
  EXPECT_EQ(PortOf("http://127.0.0.1:8000"), 8000);
  for (const char* none : {"", "host", "host:", "host:0", "host:70000", "host:1x", "host:-1"}) {
    EXPECT_EQ(PortOf(none), 0) << none;
  }
}

TEST(LastEndpointsTest, AreWhatTheLastServerWroteDown) {
  std::string pattern = (std::filesystem::temp_directory_path() / "endpoints.XXXXXX").string();
  const std::filesystem::path home = mkdtemp(pattern.data());
  const std::string file = Home(home).endpoints();
  EXPECT_EQ(LastEndpoints(home).server_uri, "");
  ASSERT_TRUE(WriteFileAtomically(file, R"({"server_uri": "h:1", "pid": 7})").ok());
  EXPECT_EQ(LastEndpoints(home).server_uri, "h:1");
  EXPECT_EQ(ReadEndpoints(home).error().code(), Code::kUnavailable);
  ASSERT_TRUE(WriteFileAtomically(file, "{").ok());
  EXPECT_EQ(LastEndpoints(home).server_uri, "");
  EXPECT_EQ(ReadEndpoints(home).error().code(), Code::kDataLoss);
  std::filesystem::remove_all(home);
}

}  // namespace
}  // namespace aiflow::server
