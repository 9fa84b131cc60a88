#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace aiflow::server {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string Refusal(const std::string& text) {
  const Result<Config> config = ParseConfig(text, "/h");
  EXPECT_FALSE(config.has_value());
  EXPECT_EQ(config.error().code(), Code::kInvalidArgument);
  return config.has_value() ? "" : config.error().message();
}

TEST(ConfigTest, EmptyTextGivesTheDefaults) {
  const Config config = *ParseConfig("", "/h");
  EXPECT_EQ(config.rpc_port, 50051);
  EXPECT_EQ(config.notification_port(), 50052);
  EXPECT_EQ(config.metadata_backend_uri, "sqlite:////h/aiflow.db");
}

TEST(ConfigTest, WrittenDefaultsReadBackAsTheDefaults) {
  const Result<Config> config = ParseConfig(DefaultConfigText(), "/h");
  ASSERT_TRUE(config.has_value()) << config.error();
  const Config defaults = *ParseConfig("", "/h");
  for (const char* key : {"rpc_port", "internal_rpc_port", "rest_port", "notification_server_uri",
                          "metadata_backend_uri", "task_executor", "local_executor_parallelism",
                          "python_executable", "default_timezone", "log_level", "hook_timeout",
                          "compile_timeout", "history_retention", "retention_interval"}) {
    EXPECT_EQ(*ConfigValue(*config, key), *ConfigValue(defaults, key)) << key;
  }
}

TEST(ConfigTest, KeysAreReadInAnyCaseAndStringsAreExpanded) {
  setenv("AIFLOW_CONFIG_TEST", "/opt", 1);
  const Config config = *ParseConfig(
      "RPC_Port: 6000\npython_executable: '${AIFLOW_CONFIG_TEST}/{AIFLOW_HOME}/$NOT_SET_ANYWHERE'",
      "/h");
  EXPECT_EQ(config.rpc_port, 6000);
  EXPECT_EQ(config.python_executable, "/opt//h/$NOT_SET_ANYWHERE");
}

TEST(ConfigTest, TimeZonesThatNobodyKnowsAreRefused) {
  EXPECT_EQ(ParseConfig("default_timezone: Europe/Berlin", "/h")->default_timezone,
            "Europe/Berlin");
  EXPECT_THAT(Refusal("default_timezone: Europe/Berln"),
              AllOf(HasSubstr("[default_timezone]"), HasSubstr("Europe/Berln")));
}

TEST(ConfigTest, UnknownKeyIsRefusedWithTheNearestName) {
  EXPECT_THAT(Refusal("rcp_port: 1"), AllOf(HasSubstr("[rcp_port]"), HasSubstr("rpc_port?")));
}

TEST(ConfigTest, LogsOfTasksAreBoundedByASizeOrNotAtAll) {
  EXPECT_EQ(ParseConfig("", "/h")->task_log_max_size(), 1 << 30);
  EXPECT_EQ(ParseConfig("task_log_max_bytes: 0", "/h")->task_log_max_size(), 0);
  EXPECT_EQ(ParseConfig("task_log_max_bytes: 2m", "/h")->task_log_max_size(), 2 << 20);
  for (const char* wrong : {"64k", "much", "-1", "99999999999g"}) {
    EXPECT_THAT(Refusal("task_log_max_bytes: " + std::string(wrong)),
                AllOf(HasSubstr("[task_log_max_bytes]"), HasSubstr("at least 1m")));
  }
}

TEST(ConfigTest, KeysOfTheForerunnerAreTakenAndNamed) {
  const Config config = *ParseConfig("log_dir: x\nk8s_executor_config: {a: 1}", "/h");
  EXPECT_THAT(config.unused, ElementsAre("log_dir", "k8s_executor_config"));
}

TEST(ConfigTest, DurationsAreANumberAndAUnit) {
  const Config defaults = *ParseConfig("", "/h");
  EXPECT_EQ(defaults.hook_timeout_ms(), std::chrono::minutes(1));
  EXPECT_EQ(defaults.compile_timeout_ms(), std::chrono::minutes(1));
  EXPECT_EQ(defaults.history_retention_ms(), std::chrono::days(30));
  EXPECT_EQ(defaults.retention_interval_ms(), std::chrono::hours(1));
  const Config config =
      *ParseConfig("hook_timeout: 90s\nhistory_retention: 12h\nretention_interval: 5m", "/h");
  EXPECT_EQ(config.hook_timeout_ms(), std::chrono::seconds(90));
  EXPECT_EQ(config.history_retention_ms(), std::chrono::hours(12));
  EXPECT_EQ(config.retention_interval_ms(), std::chrono::minutes(5));
  EXPECT_EQ(ParseConfig("history_retention: 0", "/h")->history_retention_ms(), Millis(0));
  for (const char* text : {"30", "d", "-1d", "3 d", "1w", "9999999999999999999d", "''"}) {
    EXPECT_THAT(Refusal(std::string("history_retention: ") + text),
                HasSubstr("[history_retention] must be a whole number and s, m, h or d"))
        << text;
  }
  EXPECT_EQ(defaults.idempotence_window_ms(), std::chrono::days(7));
  EXPECT_THAT(Refusal("history_retention: 36501d"), HasSubstr("from 1s to 36500d"));
  EXPECT_THAT(Refusal("idempotence_window: 0"), HasSubstr("from 1s to 3650d"));
  EXPECT_THAT(Refusal("hook_timeout: 0"), HasSubstr("from 1s to 1h"));
  EXPECT_THAT(Refusal("compile_timeout: 2h"), HasSubstr("from 1s to 1h"));
  EXPECT_THAT(Refusal("retention_interval: 8d"), HasSubstr("from 1s to 7d"));
}

TEST(ConfigTest, ATokenForARemoteNotificationServerNeedsTlsBeyondThisMachine) {
  const std::string token = "notification_token_file: /t\n";
  for (const char* fine : {"notification_server_uri: 127.0.0.1:1\n",
                           "notification_server_uri: host:1\nnotification_tls_ca_file: /ca\n",
                           "notification_server_uri: host:1\nnotification_tls: true\n"}) {
    EXPECT_TRUE(ParseConfig(token + fine, "/h").has_value()) << fine;
  }
  EXPECT_THAT(Refusal(token + "notification_server_uri: host:1\n"),
              AllOf(HasSubstr("[notification_token_file]"), HasSubstr("TLS")));
  EXPECT_THAT(Refusal(token + "notification_server_uri: host:1\nnotification_tls: false\n"
                              "notification_tls_ca_file: /ca\n"),
              HasSubstr("[notification_token_file]"));
  EXPECT_THAT(Refusal("notification_tls: maybe"), HasSubstr("[notification_tls]"));
}

TEST(ConfigTest, TheDiskReserveIsASize) {
  EXPECT_EQ(ParseConfig("", "/h")->disk_reserve_bytes(), std::nullopt);
  EXPECT_EQ(ParseConfig("disk_reserve: 2g", "/h")->disk_reserve_bytes(), uint64_t{2} << 30);
  EXPECT_EQ(ParseConfig("disk_reserve: 0", "/h")->disk_reserve_bytes(), 0);
  EXPECT_THAT(Refusal("disk_reserve: much"), HasSubstr("as in 512m: much"));
}

TEST(ConfigTest, TheLogHasAFormAndASize) {
  EXPECT_EQ(ParseConfig("", "/h")->log_max_size_bytes(), uint64_t{64} << 20);
  EXPECT_THAT(Refusal("log_max_size: 1k"), HasSubstr("at least 64k: 1k"));
  EXPECT_THAT(Refusal("log_format: xml"), HasSubstr("text or json: xml"));
  EXPECT_THAT(Refusal("log_files: 0"), HasSubstr("from 1 to 10000"));
}

TEST(ConfigTest, WrongValuesNameTheKey) {
  EXPECT_THAT(Refusal("rpc_port:"), HasSubstr("key [rpc_port] not found in config"));
  EXPECT_THAT(Refusal("rpc_port: many"), HasSubstr("[rpc_port]"));
  EXPECT_THAT(Refusal("rpc_port: 70000"), HasSubstr("65535"));
  EXPECT_THAT(Refusal("notification_server_uri: a:1,b:2"), HasSubstr("notification_server_uri"));
  EXPECT_THAT(Refusal("task_executor: kubernetes"), HasSubstr("kubernetes"));
  EXPECT_THAT(Refusal("metadata_backend_uri: mysql://x"), HasSubstr("mysql://x"));
  EXPECT_THAT(Refusal("log_level: loud"), HasSubstr("loud"));
  EXPECT_THAT(Refusal("- 1"), HasSubstr("map"));
  EXPECT_THAT(Refusal("a: [1"), HasSubstr("YAML"));
}

TEST(ConfigTest, ValueOfAnUnknownKeyIsNotFound) {
  const Result<std::string> value = ConfigValue(*ParseConfig("", "/h"), "nothing");
  EXPECT_EQ(value.error().code(), Code::kNotFound);
  EXPECT_EQ(value.error().message(), "key [nothing] not found in config");
}

std::string VariableRefusal(const std::string& name, const std::string& value) {
  Config config = *ParseConfig("", "/h");
  const Status status = OverrideConfig({{name, value}}, "/h", &config);
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << name;
  return status.message();
}

TEST(ConfigTest, VariablesWinOverTheFile) {
  Config config = *ParseConfig("rpc_port: 6000\nlog_level: debug", "/h");
  const Status status = OverrideConfig({{"AIFLOW__SERVER__RPC_PORT", "7000"},
                                        {"AIFLOW__SERVER__python_executable", "{AIFLOW_HOME}/p"},
                                        {"AIFLOW__SERVER__LOG_DIR", "/var/log"},
                                        {"AIFLOW__CLIENT__SERVER_ADDRESS", "a:1"},
                                        {"AIFLOW_HOME", "/elsewhere"}},
                                       "/h", &config);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(config.rpc_port, 7000);
  EXPECT_EQ(config.log_level, "debug");
  EXPECT_EQ(config.python_executable, "/h/p");
  EXPECT_THAT(config.unused, ElementsAre("log_dir"));
}

TEST(ConfigTest, WrongVariablesAreNamed) {
  EXPECT_THAT(VariableRefusal("AIFLOW__SERVER__RPC_PORT", "many"),
              HasSubstr("AIFLOW__SERVER__RPC_PORT: key [rpc_port] is not a whole number: many"));
  EXPECT_THAT(VariableRefusal("AIFLOW__SERVER__RCP_PORT", "1"),
              AllOf(HasSubstr("AIFLOW__SERVER__RCP_PORT"), HasSubstr("rpc_port?")));
  EXPECT_THAT(VariableRefusal("AIFLOW__SERVER__LOG_LEVEL", "loud"),
              AllOf(HasSubstr("AIFLOW__SERVER__LOG_LEVEL"), HasSubstr("loud")));
  EXPECT_THAT(VariableRefusal("AIFLOW__SERVER__HOOK_TIMEOUT", ""), HasSubstr("[hook_timeout]"));
  EXPECT_THAT(VariableRefusal("AIFLOW__RPC_PORT", "1"), HasSubstr("AIFLOW__SERVER__KEY"));
}

std::string OriginOf(const Config& config, const std::string& key) {
  for (const Setting& setting : Settings(config)) {
    if (setting.key == key) return setting.origin;
  }
  return "no such key";
}

TEST(ConfigTest, SettingsSayWhereTheyAreFrom) {
  Config config = *ParseConfig("rpc_port: 50051\nrest_port: 1", "/h");
  ASSERT_TRUE(OverrideConfig({{"AIFLOW__SERVER__REST_PORT", "2"}}, "/h", &config).ok());
  EXPECT_EQ(OriginOf(config, "rpc_port"), "/h/aiflow_server.yaml");
  EXPECT_EQ(OriginOf(config, "rest_port"), "AIFLOW__SERVER__REST_PORT");
  EXPECT_EQ(OriginOf(config, "log_level"), "default");
}

TEST(ConfigTest, PasswordsAreMasked) {
  Config config = *ParseConfig("", "/h");
  config.metadata_backend_uri = "mysql://me:se:cr@et@host:3306/db";
  for (const Setting& setting : Settings(config)) {
    if (setting.key != "metadata_backend_uri") continue;
    EXPECT_EQ(setting.value, "mysql://me:***@host:3306/db");
  }
  EXPECT_THAT(Refusal("metadata_backend_uri: mysql://me:secret@host/db"),
              AllOf(HasSubstr("mysql://me:***@host/db"), Not(HasSubstr("secret"))));
}

}  // namespace
}  // namespace aiflow::server
