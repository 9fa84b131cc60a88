#include "cli/credentials.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

#include "cli/temp_dir_for_test.h"

namespace aiflow::cli {
namespace {

class CliCredentialsTest : public testing::Test {
 protected:
  CliCredentialsTest() { variables_["AIFLOW_HOME"] = home_.path().string(); }

  std::string Write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    home_.Write(name, text);
    const std::string file = (home_.path() / name).string();
    chmod(file.c_str(), mode);
    return file;
  }
  Result<client::Credentials> Find() {
    return FindCredentials(options_, environment_, "127.0.0.1:1");
  }

  TempDirForTest home_;
  std::map<std::string, std::string> variables_;
  AddressOptions options_;
  Environment environment_ = [this](const std::string& name) -> std::optional<std::string> {
    const auto found = variables_.find(name);
    return found == variables_.end() ? std::nullopt : std::optional(found->second);
  };
};

TEST_F(CliCredentialsTest, NearerPlacesWin) {
  EXPECT_EQ(Find()->token, "");
  EXPECT_FALSE(Find()->tls);
  Write("aiflow_client.yaml", "server_address: h:1\ntoken: of-yaml\ntls: true\n");
  EXPECT_EQ(Find()->token, "of-yaml");
  EXPECT_TRUE(Find()->tls);
  variables_["AIFLOW_TOKEN"] = "of-environment";
  variables_["AIFLOW_TLS"] = "false";
  EXPECT_EQ(Find()->token, "of-environment");
  EXPECT_FALSE(Find()->tls);
  options_.token_file = Write("token", "of-option\n");
  EXPECT_EQ(Find()->token, "of-option");
}

TEST_F(CliCredentialsTest, TheHomeMayBeNamedAsInTheSettingsThatTheSdkMakes) {
  Write("token", "of-file\n");
  Write("aiflow_client.yaml", "token_file: {AIFLOW_HOME}/token\n");
  const auto found = Find();
  ASSERT_TRUE(found) << found.error();
  EXPECT_EQ(found->token, "of-file");
}

TEST_F(CliCredentialsTest, AFileWithATokenThatOthersMayReadIsRefused) {
  const std::string file = Write("aiflow_client.yaml", "token: secret\n", 0644);
  const auto refused = Find();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find(file), std::string::npos) << refused.error();
  EXPECT_EQ(refused.error().message().find("secret"), std::string::npos) << refused.error();
  Write("aiflow_client.yaml", "server_address: h:1\n", 0644);
  EXPECT_TRUE(Find()) << "without a token it is no secret";
}

TEST_F(CliCredentialsTest, ADamagedFileIsNotQuoted) {
  Write("aiflow_client.yaml", "token: [secret\n");
  const auto refused = Find();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message().find("secret"), std::string::npos) << refused.error();
}

}  // namespace
}  // namespace aiflow::cli
