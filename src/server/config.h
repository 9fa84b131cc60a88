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

/// The settings of aiflow_server.yaml, with their defaults (docs/configuration.md). Plain value.
struct Config {
  int64_t rpc_port = 50051;
  int64_t internal_rpc_port = 50000;  // -1: off
  int64_t rest_port = 8000;
  std::string notification_server_uri = "127.0.0.1:50052";
  std::string notification_server = "auto";  // embedded, remote
  // Of a remote notification server; empty: nothing said.
  std::string notification_token_file;
  std::string notification_tls;  // "true" or "false"
  std::string notification_tls_ca_file;
  std::string notification_tls_certificate_file;
  std::string notification_tls_key_file;
  std::string metadata_backend_uri = "sqlite:///{AIFLOW_HOME}/aiflow.db";
  std::string task_executor = "Local";
  std::string executors;  // YAML of those beside the local one (server/executor_config.h)
  int64_t local_executor_parallelism = 100;
  std::string python_executable = "python3";
  std::string default_timezone = "UTC";
  int64_t condition_hosts = 4;
  int64_t condition_timeout = 30;  // seconds
  int64_t condition_attempts = 3;
  std::string blob_store = "local";  // s3, oss, webhdfs
  // Of a blob store on another machine (server/blob_store_config.h).
  std::string blob_store_url;
  std::string blob_store_bucket;
  std::string blob_store_prefix;
  std::string blob_store_region = "us-east-1";
  std::string blob_store_addressing = "auto";  // path, virtual
  std::string blob_store_credentials_file;     // empty: from the environment
  std::string blob_store_user;
  std::string blob_store_ca_file;
  std::string blob_store_timeout = "60s";
  int64_t blob_store_attempts = 5;
  std::string blob_cache_size = "1g";
  std::string log_level = "info";
  std::string unix_socket = "true";  // or "false"
  std::string tls_certificate_file;  // empty: no TLS
  std::string tls_key_file;
  std::string tls_client_ca_file;  // empty: clients need no certificate
  // Durations as text: a whole number and s, m, h or d.
  std::string hook_timeout = "60s";
  std::string compile_timeout = "60s";
  std::string history_retention = "30d";  // 0: for ever
  std::string retention_interval = "1h";
  std::string idempotence_window = "7d";
  std::string disk_reserve = "auto";  // bytes, or a whole number and k, m or g; 0: no alarm
  std::string log_format = "text";
  std::string log_max_size = "64m";
  std::string task_log_max_bytes = "1g";  // 0: no bound
  int64_t log_files = 10;

  /// The port of notification_server_uri.
  [[nodiscard]] int notification_port() const;
  [[nodiscard]] Millis hook_timeout_ms() const;
  [[nodiscard]] Millis compile_timeout_ms() const;
  [[nodiscard]] Millis history_retention_ms() const;  // 0: for ever
  [[nodiscard]] Millis retention_interval_ms() const;
  [[nodiscard]] Millis idempotence_window_ms() const;
  [[nodiscard]] std::optional<uint64_t> disk_reserve_bytes() const;  // nothing: auto
  [[nodiscard]] uint64_t log_max_size_bytes() const;
  [[nodiscard]] int64_t task_log_max_size() const;  // bytes; 0: no bound

  /// Settings of earlier versions that this one does not need: name each in the log.
  std::vector<std::string> unused;
  /// Of each key whose value is no default: the path of the file or the variable that it is from.
  std::map<std::string, std::string> origins;
};

/// Reads `text` (empty: only defaults). `{AIFLOW_HOME}`, `$NAME`, `${NAME}` and a leading `~` are
/// replaced in strings. kInvalidArgument names the key: unknown (with the nearest known one), null,
/// of the wrong type or out of range.
Result<Config> ParseConfig(const std::string& text, const std::filesystem::path& home);

/// Sets each key that a variable AIFLOW__SERVER__KEY names, over what the file says. Variables of
/// other programs are left alone. kInvalidArgument names the variable, as ParseConfig names the
/// key, or says that AIFLOW__... is none of the product's.
Status OverrideConfig(const std::map<std::string, std::string>& variables,
                      const std::filesystem::path& home, Config* config);

/// Reads the home's file, if there is one, and the environment. Messages name the file or variable.
Result<Config> LoadConfig(const std::filesystem::path& home);

/// The value of a key as text. kNotFound: `key [x] not found in config`.
Result<std::string> ConfigValue(const Config& config, const std::string& key);

/// Every key, in the order of DefaultConfigText.
std::vector<Setting> Settings(const Config& config);

/// The text of a new configuration file: every key with its default and what it means.
std::string DefaultConfigText();

}  // namespace aiflow::server
