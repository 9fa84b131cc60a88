#include "server/doors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <filesystem>
#include <string>
#include <vector>

#include "api/access/tls_for_test.h"
#include "server/server_main.h"

namespace aiflow::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class DoorsTest : public testing::Test {
 protected:
  DoorsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "doors.XXXXXX").string();
    root_ = mkdtemp(pattern.data());
  }
  ~DoorsTest() override { std::filesystem::remove_all(root_); }

  /// The sockets that a role gets in the home at `root`.
  std::vector<int> Families(const std::filesystem::path& root) {
    const auto doors = Doors::Make(DoorsOf(Home(root), config_), /*insecure=*/false,
                                   [this](const std::string& line) { warnings_.push_back(line); });
    EXPECT_TRUE(doors.has_value()) << doors.error();
    auto port = PortReservation::Take("127.0.0.1", 0);
    EXPECT_TRUE(port.has_value()) << port.error();
    const int number = port->port();
    const auto door = (*doors)->Open(*port, kSchedulerSocket);
    EXPECT_TRUE(door.has_value()) << door.error();
    EXPECT_EQ(door->sockets.front().port(), number);
    EXPECT_EQ(port->port(), number);
    std::vector<int> families;
    for (const api::ListenSocket& socket : door->sockets) {
      int family = 0;
      socklen_t size = sizeof(family);
      getsockopt(socket.fd(), SOL_SOCKET, SO_DOMAIN, &family, &size);
      families.push_back(family);
    }
    return families;
  }

  std::filesystem::path root_;
  Config config_;
  std::vector<std::string> warnings_;
};

TEST_F(DoorsTest, ARoleListensOnItsPortAndInTheHome) {
  EXPECT_THAT(Families(root_), ElementsAre(AF_INET, AF_UNIX));
  config_.unix_socket = "false";
  EXPECT_THAT(Families(root_), ElementsAre(AF_INET));
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(DoorsTest, AHomeWithALongPathHasNoUnixSocketAndSaysSo) {
  EXPECT_THAT(Families(root_ / std::string(100, 'x')), ElementsAre(AF_INET));
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("107")));
}

TEST_F(DoorsTest, AFileOfTokensThatCannotBeUsedIsToldAtTheStart) {
  ASSERT_TRUE(AddToken(root_, "t").has_value());
  std::filesystem::permissions(root_ / "tokens", std::filesystem::perms(0644));
  Families(root_);
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("chmod 600")));
}

TEST_F(DoorsTest, AnOpenAddressNeedsTlsAndATokenOrInsecure) {
  const Home home(root_);
  const auto refusal = [&](const std::string& host, bool insecure = false) {
    return CheckBind(DoorsOf(home, config_), host, insecure).message();
  };
  for (const char* local : {"127.0.0.1", "::1", "localhost"}) EXPECT_EQ(refusal(local), "");
  for (const char* open : {"0.0.0.0", "::", "10.0.0.1", "host.example"}) {
    EXPECT_EQ(refusal(open, /*insecure=*/true), "");
    EXPECT_THAT(refusal(open),
                testing::AllOf(HasSubstr("tls_certificate_file"), HasSubstr("aiflow token add"),
                               HasSubstr("--insecure")));
  }
  const api::SelfSigned own(root_);
  config_.tls_certificate_file = own.certificate_file;
  config_.tls_key_file = own.key_file;
  EXPECT_THAT(refusal("::"), testing::AllOf(HasSubstr("aiflow token add"),
                                            Not(HasSubstr("set tls_certificate_file"))));
  ASSERT_TRUE(AddToken(root_, "t").has_value());
  EXPECT_EQ(refusal("::"), "");
  EXPECT_TRUE(TlsOf(DoorsOf(home, config_)).has_value());
  EXPECT_TRUE(TlsOf(DoorsOf(home, config_))->has_value());
  config_.tls_certificate_file.clear();
  EXPECT_THAT(refusal("::"), testing::AllOf(HasSubstr("set tls_certificate_file"),
                                            Not(HasSubstr("aiflow token add"))));
  EXPECT_FALSE(TlsOf(DoorsOf(home, config_)).has_value()) << "half of TLS is none";
}

TEST_F(DoorsTest, ANotificationServerNamesItsOwnFileAndCommand) {
  const NotificationHome home(root_);
  NotificationConfig config;
  const auto refusal = [&] {
    return CheckBind(DoorsOf(home, config), "0.0.0.0", /*insecure=*/false).message();
  };
  EXPECT_THAT(refusal(),
              testing::AllOf(HasSubstr("notification_server.yaml"),
                             HasSubstr("notification token add"), Not(HasSubstr("run programs"))));
  const api::SelfSigned own(root_);
  config.tls_certificate_file = own.certificate_file;
  config.tls_key_file = own.key_file;
  ASSERT_TRUE(AddToken(root_, "t").has_value());
  EXPECT_EQ(refusal(), "");
}

}  // namespace
}  // namespace aiflow::server
