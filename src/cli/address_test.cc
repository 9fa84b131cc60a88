#include "cli/address.h"

#include <gtest/gtest.h>

#include <map>

#include "cli/temp_dir_for_test.h"

namespace aiflow::cli {
namespace {

class AddressTest : public testing::Test {
 protected:
  AddressTest() { variables_["AIFLOW_HOME"] = home_.path().string(); }

  void Write(const std::string& name, const std::string& text) { home_.Write(name, text); }
  std::string Server() { return *ServerAddress(options_, environment_); }
  std::string Notification() { return *NotificationAddress(options_, environment_); }

  TempDirForTest home_;
  std::map<std::string, std::string> variables_;
  AddressOptions options_;
  Environment environment_ = [this](const std::string& name) -> std::optional<std::string> {
    const auto found = variables_.find(name);
    return found == variables_.end() ? std::nullopt : std::optional(found->second);
  };
};

TEST_F(AddressTest, NearerPlacesWin) {
  EXPECT_EQ(Server(), "127.0.0.1:50051");
  Write("aiflow_client.yaml", "server_address: yaml:1\n");
  EXPECT_EQ(Server(), "yaml:1");
  Write("server.json", R"({"server_uri": "file:2", "notification_uri": "file:3"})");
  EXPECT_EQ(Server(), "file:2");
  EXPECT_EQ(Notification(), "file:3");
  variables_["AIFLOW_SERVER_URI"] = "task:4";
  EXPECT_EQ(Server(), "task:4");
  variables_["AIFLOW_SERVER"] = "env:5";
  EXPECT_EQ(Server(), "env:5");
  options_.server = "option:6";
  EXPECT_EQ(Server(), "option:6");
}

TEST_F(AddressTest, AHomeThatWasNamedWinsOverTheEnvironment) {
  Write("server.json", R"({"server_uri": "file:2", "notification_uri": "file:3"})");
  variables_["AIFLOW_SERVER"] = "env:5";
  variables_["AIFLOW_NOTIFICATION_SERVER"] = "env:6";
  options_.home = home_.path().string();
  EXPECT_EQ(Server(), "file:2");
  EXPECT_EQ(Notification(), "file:3");
}

TEST_F(AddressTest, NotificationServerOfAnotherServerIsAskedFor) {
  Write("server.json", R"({"server_uri": "file:2", "notification_uri": "file:3"})");
  options_.server = "other:1";
  EXPECT_EQ(Notification(), "");
  options_.notification_server = "option:1";
  EXPECT_EQ(Notification(), "option:1");
}

TEST_F(AddressTest, InsideATaskItsOwnServersAreMeant) {
  Write("server.json", R"({"server_uri": "file:2", "notification_uri": "file:3"})");
  variables_["AIFLOW_SERVER_URI"] = "task:1";
  variables_["AIFLOW_NOTIFICATION_URI"] = "task:2";
  EXPECT_EQ(Server(), "task:1");
  EXPECT_EQ(Notification(), "task:2");
}

TEST_F(AddressTest, BrokenFilesAreNamed) {
  Write("server.json", "{");
  const auto address = ServerAddress(options_, environment_);
  ASSERT_FALSE(address);
  EXPECT_NE(address.error().message().find("server.json"), std::string::npos);
  std::filesystem::remove(home_.path() / "server.json");
  Write("aiflow_client.yaml", "a: [");
  EXPECT_FALSE(ServerAddress(options_, environment_));
}

TEST_F(AddressTest, HomeDefaultsToTheUsersDirectory) {
  variables_.clear();
  variables_["HOME"] = "/home/me";
  EXPECT_EQ(HomeDirectory("", environment_), "/home/me/aiflow");
  EXPECT_EQ(HomeDirectory("/given", environment_), "/given");
}

TEST(SeenFromHereTest, LoopbackOfAnotherMachineIsThatMachine) {
  EXPECT_EQ(SeenFromHere("far:1", "127.0.0.1:2"), "far:2");
  EXPECT_EQ(SeenFromHere("[fe80::1]:1", "[::1]:2"), "[fe80::1]:2");
  EXPECT_EQ(SeenFromHere("far:1", "other:2"), "other:2");
  EXPECT_EQ(SeenFromHere("127.0.0.1:1", "127.0.0.1:2"), "127.0.0.1:2");
  EXPECT_EQ(SeenFromHere("unix:/s.sock", "127.0.0.1:2"), "127.0.0.1:2");
}

}  // namespace
}  // namespace aiflow::cli
