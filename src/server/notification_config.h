#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "server/config_table.h"

namespace aiflow::server {

/// The settings of notification_server.yaml, with their defaults (docs/notification.md). Plain
/// value.
struct NotificationConfig {
  int64_t server_port = 50052;
  std::string db_uri = "sqlite:///{NOTIFICATION_HOME}/ns.db";
  std::string enable_ha = "False";
  int64_t ha_ttl_ms = 0;  // 0: not set
  std::string advertised_uri;
  std::string wait_for_server_started_timeout = "5.0";  // seconds
  std::string log_level = "info";
  int64_t http_port = -1;            // -1: off
  std::string unix_socket = "true";  // or "false"
  std::string tls_certificate_file;  // empty: no TLS
  std::string tls_key_file;
  std::string tls_client_ca_file;  // empty: clients need no certificate
  std::string disk_reserve = "auto";
  std::string log_format = "text";
  std::string log_max_size = "64m";
  int64_t log_files = 10;
  // Durations as text: a whole number and s, m, h or d.
  std::string history_retention = "30d";  // 0: for ever
  std::string retention_interval = "1h";
  std::string idempotence_window = "7d";

  /// The directory of the event log: beside the file that db_uri names.
  [[nodiscard]] std::filesystem::path log_directory(const std::filesystem::path& home) const;
  [[nodiscard]] Millis start_timeout_ms() const;
  [[nodiscard]] Millis history_retention_ms() const;  // 0: for ever
  [[nodiscard]] Millis retention_interval_ms() const;
  [[nodiscard]] Millis idempotence_window_ms() const;
  [[nodiscard]] std::optional<uint64_t> disk_reserve_bytes() const;  // nothing: auto
  [[nodiscard]] uint64_t log_max_size_bytes() const;

  // As in Config.
  std::vector<std::string> unused;
  std::map<std::string, std::string> origins;
};

/// As their counterparts of Config; variables are AIFLOW__NOTIFICATION__KEY.
Result<NotificationConfig> ParseNotificationConfig(const std::string& text,
                                                   const std::filesystem::path& home);
Result<NotificationConfig> LoadNotificationConfig(const std::filesystem::path& home);
Result<std::string> NotificationConfigValue(const NotificationConfig& config,
                                            const std::string& key);
std::vector<Setting> NotificationSettings(const NotificationConfig& config);
std::string DefaultNotificationConfigText();

}  // namespace aiflow::server
