#include "server/notification_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aiflow::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string Refusal(const std::string& text) {
  const auto config = ParseNotificationConfig(text, "/n");
  EXPECT_FALSE(config.has_value()) << text;
  return config.has_value() ? "" : config.error().message();
}

TEST(NotificationConfigTest, EmptyTextAndTheWrittenDefaultsGiveTheDefaults) {
  for (const std::string& text : {std::string(), DefaultNotificationConfigText()}) {
    const auto config = ParseNotificationConfig(text, "/n");
    ASSERT_TRUE(config.has_value()) << config.error();
    EXPECT_EQ(*NotificationConfigValue(*config, "server_port"), "50052");
    EXPECT_EQ(config->db_uri, "sqlite:////n/ns.db");
    EXPECT_EQ(config->log_directory("/n"), "/n/ns.db.events");
    EXPECT_EQ(config->start_timeout_ms(), Millis(5'000));
  }
}

TEST(NotificationConfigTest, TheForerunnersFileIsRead) {
  const auto config = ParseNotificationConfig(
      "server_port: 6000\ndb_uri: sqlite:///${NOT_SET}/x.db\nenable_ha: False\nha_ttl_ms:\n"
      "advertised_uri: null\nwait_for_server_started_timeout: 2.5\n",
      "/n");
  ASSERT_TRUE(config.has_value()) << config.error();
  EXPECT_EQ(config->server_port, 6000);
  EXPECT_EQ(config->start_timeout_ms(), Millis(2'500));
}

TEST(NotificationConfigTest, ARelativePathIsBelowTheHome) {
  const auto config = ParseNotificationConfig("db_uri: sqlite:///data/x.db", "/n");
  EXPECT_EQ(config->log_directory("/n"), "/n/data/x.db.events");
}

TEST(NotificationConfigTest, WhatThisVersionCannotDoIsRefusedWithTheReason) {
  EXPECT_THAT(Refusal("enable_ha: true"), AllOf(HasSubstr("[enable_ha]"), HasSubstr("later")));
  EXPECT_THAT(Refusal("db_uri: mysql://u:secret@h/db"),
              AllOf(HasSubstr("mysql://u:***@h/db"), HasSubstr("sqlite:///PATH")));
  EXPECT_THAT(Refusal("db_uri: 'sqlite:///'"), HasSubstr("sqlite:///PATH"));
  EXPECT_THAT(Refusal("server_prot: 1"), HasSubstr("did you mean server_port?"));
  EXPECT_THAT(Refusal("wait_for_server_started_timeout: 0"), HasSubstr("seconds"));
  EXPECT_THAT(Refusal("server_port:"), HasSubstr("no value"));
}

TEST(NotificationConfigTest, HttpIsOffAndTheDiskIsWatchedUnlessItSaysOtherwise) {
  const auto config = ParseNotificationConfig("", "/n");
  ASSERT_TRUE(config.has_value()) << config.error();
  EXPECT_EQ(config->http_port, -1);
  EXPECT_EQ(config->disk_reserve_bytes(), std::nullopt) << "auto";
  EXPECT_EQ(config->log_max_size_bytes(), 64U << 20);
  const auto other = ParseNotificationConfig(
      "http_port: 8001\ndisk_reserve: 512m\nlog_format: json\nlog_max_size: 1m\nlog_files: 3\n"
      "unix_socket: false\ntls_certificate_file: '{NOTIFICATION_HOME}/s.crt'\n",
      "/n");
  ASSERT_TRUE(other.has_value()) << other.error();
  EXPECT_EQ(other->http_port, 8001);
  EXPECT_EQ(other->disk_reserve_bytes(), 512U << 20);
  EXPECT_EQ(other->log_max_size_bytes(), 1U << 20);
  EXPECT_EQ(other->tls_certificate_file, "/n/s.crt");
}

TEST(NotificationConfigTest, WrongValuesOfSharedSettingsNameTheKey) {
  EXPECT_THAT(Refusal("unix_socket: yes please"), HasSubstr("[unix_socket]"));
  EXPECT_THAT(Refusal("disk_reserve: much"), HasSubstr("[disk_reserve]"));
  EXPECT_THAT(Refusal("log_format: xml"), HasSubstr("[log_format]"));
  EXPECT_THAT(Refusal("log_max_size: 1k"), HasSubstr("[log_max_size]"));
  EXPECT_THAT(Refusal("log_level: loud"), HasSubstr("[log_level]"));
  EXPECT_THAT(Refusal("http_port: 70000"), HasSubstr("[http_port]"));
}

}  // namespace
}  // namespace aiflow::server
