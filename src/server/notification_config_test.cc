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

}  // namespace
}  // namespace aiflow::server
