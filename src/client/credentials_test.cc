#include "client/credentials.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace aiflow::client {
namespace {

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "client.XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~CredentialsTest() override { std::filesystem::remove_all(directory_); }

  std::string Write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::filesystem::path file = directory_ / name;
    std::ofstream(file) << text;
    chmod(file.c_str(), mode);
    return file.string();
  }

  std::filesystem::path directory_;
};

TEST_F(CredentialsTest, ATokenIsReadFromAFileOfItsOwnerAlone) {
  const std::string file = Write("token", "aiflow_1\n");
  EXPECT_EQ(ReadCredentials({.token_file = file})->token, "aiflow_1");
  EXPECT_EQ(ReadCredentials({.token = "aiflow_2", .token_file = file})->token, "aiflow_2");
  chmod(file.c_str(), 0644);
  const auto refused = ReadCredentials({.token_file = file});
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message().find("chmod 600"), std::string::npos) << refused.error();
  EXPECT_EQ(refused.error().message().find("aiflow_1"), std::string::npos) << refused.error();
}

TEST_F(CredentialsTest, WhatIsNoTokenIsRefusedAndNotTold) {
  for (const char* text : {"", "two words", "new\nline", "\xc3\xa4"}) {
    const auto refused = ReadCredentials({.token_file = Write("token", text)});
    ASSERT_FALSE(refused.has_value()) << text;
    EXPECT_EQ(refused.error().message().find("words"), std::string::npos) << refused.error();
  }
  EXPECT_FALSE(ReadCredentials({.token = "two words"}).has_value());
  EXPECT_FALSE(ReadCredentials({.token_file = "/nowhere/token"}).has_value());
}

TEST_F(CredentialsTest, AnAuthorityMeansTlsUnlessThatIsSwitchedOff) {
  const std::string ca = Write("ca", "CA", 0644);
  EXPECT_FALSE(ReadCredentials({})->tls);
  EXPECT_TRUE(ReadCredentials({.tls_ca_file = ca})->tls);
  EXPECT_EQ(ReadCredentials({.tls_ca_file = ca})->ca, "CA");
  EXPECT_TRUE(ReadCredentials({.tls = "true"})->tls);
  EXPECT_FALSE(ReadCredentials({.tls = "false", .tls_ca_file = ca})->tls);
  EXPECT_FALSE(ReadCredentials({.tls = "yes"}).has_value());
  EXPECT_FALSE(ReadCredentials({.tls_ca_file = "/nowhere/ca"}).has_value());
  EXPECT_FALSE(ReadCredentials({.tls_certificate_file = ca}).has_value());
}

TEST_F(CredentialsTest, TheEnvironmentNamesThem) {
  const std::map<std::string, std::string> variables = {{"AIFLOW_TOKEN_FILE", "/t"},
                                                        {"AIFLOW_TLS_CA", "/ca"}};
  const CredentialSettings settings =
      SettingsOfEnvironment([&](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
      });
  EXPECT_EQ(settings.token_file, "/t");
  EXPECT_EQ(settings.tls_ca_file, "/ca");
  EXPECT_EQ(settings.token, "");
}

TEST_F(CredentialsTest, WhatATaskHasForItsNotificationServerIsForThatAddressAlone) {
  std::map<std::string, std::string> variables = {{"AIFLOW_NOTIFICATION_URI", "host:1"},
                                                  {"AIFLOW_NOTIFICATION_TOKEN_FILE", "/t"},
                                                  {"AIFLOW_NOTIFICATION_TLS_CA", "/ca"}};
  const auto of = [&](const std::string& address) {
    return SettingsOfTask(address, [&](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      if (found == variables.end()) return std::nullopt;
      return found->second;
    });
  };
  EXPECT_EQ(of("host:1").token_file, "/t");
  EXPECT_EQ(of("host:1").tls_ca_file, "/ca");
  for (const char* other : {"host:12", "st:1", "127.0.0.1:1", ""}) {
    EXPECT_EQ(of(other).token_file, "") << other;
    EXPECT_EQ(of(other).tls_ca_file, "") << other;
  }
  variables["AIFLOW_NOTIFICATION_URI"] = "a:1,host:2";
  EXPECT_EQ(of("host:2").token_file, "/t");
  EXPECT_EQ(of("a:1,host:2").token_file, "/t");
  EXPECT_EQ(of("host:1").token_file, "");
}

TEST_F(CredentialsTest, WhatIsSaidFirstWins) {
  const CredentialSettings merged =
      Merge({.token_file = "/first"}, {.token = "second", .tls_ca_file = "/ca"});
  EXPECT_EQ(merged.token_file, "/first");
  EXPECT_EQ(merged.token, "") << "the token of another place would win over the file";
  EXPECT_EQ(merged.tls_ca_file, "/ca");
}

TEST_F(CredentialsTest, ATokenNeverGoesOverTheNetworkInTheClear) {
  Credentials credentials;
  credentials.token = "t";
  for (const char* local : {"127.0.0.1:1", "localhost:1", "[::1]:1", "unix:/run/s.sock"}) {
    EXPECT_EQ(TokenFor(local, credentials), "t") << local;
  }
  for (const char* remote :
       {"10.0.0.1:1", "host:1", "[fe80::1]:1", "localhost.org:1", "127.org:1"}) {
    EXPECT_EQ(TokenFor(remote, credentials), "") << remote;
  }
  credentials.tls = true;
  EXPECT_EQ(TokenFor("host:1", credentials), "t");
}

}  // namespace
}  // namespace aiflow::client
