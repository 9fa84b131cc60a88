#include "server/notification_config.h"

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string_view>

#include "server/config_checks.h"
#include "server/notification_home.h"

namespace aiflow::server {
namespace {

using Key = ConfigKey<NotificationConfig>;
constexpr std::string_view kHomeWord = "{NOTIFICATION_HOME}";
constexpr std::string_view kSqlite = "sqlite:///";
constexpr double kMaxStartSeconds = 3'600;

const auto& Keys() {
  using C = NotificationConfig;
  static const std::array<Key, 19> kKeys = {{
      {"server_port", &C::server_port, "Port of the notification server.", 0, 65'535},
      {"db_uri", &C::db_uri, "Events are kept in the directory PATH.events beside this path."},
      {"enable_ha", &C::enable_ha, "Several servers of one log come in a later version."},
      {"ha_ttl_ms", &C::ha_ttl_ms, "Without effect while enable_ha is False.", 0,
       std::numeric_limits<int32_t>::max(), true},
      {"advertised_uri", &C::advertised_uri,
       "host:port that clients are told, where it is not the one listened on.", 0, 0, true},
      {"wait_for_server_started_timeout", &C::wait_for_server_started_timeout,
       "Seconds that 'server start -d' waits until the server is ready."},
      {"log_level", &C::log_level, "Of the server's log: debug, info, warning, error."},
      {"history_retention", &C::history_retention,
       "How long events are kept, and longer while a consumer needs them; 0: for ever."},
      {"retention_interval", &C::retention_interval,
       "How often what is older than that is removed."},
      {"idempotence_window", &C::idempotence_window,
       "How long the id of an event is known after the event was removed."},
      {"http_port", &C::http_port, "Port of HTTP: /healthz, /readyz and /metrics; -1: none.", -1,
       65'535},
      {"unix_socket", &C::unix_socket,
       "Whether the server also listens on run/notification.sock in the home: true, false."},
      {"tls_certificate_file", &C::tls_certificate_file,
       "PEM file of the certificate that the ports show; empty: no TLS."},
      {"tls_key_file", &C::tls_key_file,
       "PEM file of its private key, for the server's user alone."},
      {"tls_client_ca_file", &C::tls_client_ca_file,
       "PEM file of who signs clients' certificates; empty: clients need none."},
      {"disk_reserve", &C::disk_reserve,
       "Free disk space below which there is an alarm, and below half of which new events are "
       "refused: a number and k, m or g; auto: 256m, but at most a tenth of the disk; 0: never."},
      {"log_format", &C::log_format, "Of the server's log: text or json."},
      {"log_max_size", &C::log_max_size, "Size at which a new file of the log is begun."},
      {"log_files", &C::log_files, "Files of the server's log that are kept.", 1, 10'000},
  }};
  return kKeys;
}

std::optional<double> SecondsOf(const std::string& text) {
  double seconds = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, seconds);
  if (error != std::errc() || end != last || !(seconds > 0 && seconds <= kMaxStartSeconds)) {
    return std::nullopt;
  }
  return seconds;
}

Status CheckHa(const NotificationConfig& config) {
  const std::string ha = Lower(config.enable_ha);
  if (ha == "false" || ha == "0") return Status::Ok();
  if (ha != "true" && ha != "1") {
    return WrongKey("enable_ha", "must be true or false: " + config.enable_ha);
  }
  return WrongKey("enable_ha",
                  "is true, but several notification servers of one log come in a later version; "
                  "one server keeps every acknowledged event and clients reconnect by "
                  "themselves: set it to false");
}

Status Check(const NotificationConfig& config, const std::filesystem::path& /*home*/) {
  const bool names_file = config.db_uri.starts_with(kSqlite) &&
                          config.db_uri.size() > kSqlite.size() && !config.db_uri.ends_with("/");
  if (!names_file) {
    return WrongKey("db_uri", "is " + WithoutPassword(config.db_uri) +
                                  ", but this version keeps its events in files: it must be "
                                  "sqlite:///PATH, and they are in PATH.events");
  }
  AIFLOW_RETURN_IF_ERROR(CheckHa(config));
  if (!SecondsOf(config.wait_for_server_started_timeout).has_value()) {
    return WrongKey("wait_for_server_started_timeout",
                    "must be a number of seconds above 0, at "
                    "most 3600: " +
                        config.wait_for_server_started_timeout);
  }
  AIFLOW_RETURN_IF_ERROR(CheckLogLevel(config.log_level));
  AIFLOW_RETURN_IF_ERROR(CheckBool("unix_socket", config.unix_socket));
  AIFLOW_RETURN_IF_ERROR(CheckRetention(config.history_retention, config.retention_interval,
                                        config.idempotence_window));
  AIFLOW_RETURN_IF_ERROR(CheckDiskReserve(config.disk_reserve));
  return CheckLogFile(config.log_format, config.log_max_size);
}

const ConfigTable<NotificationConfig>& Table() {
  static const ConfigTable<NotificationConfig> kTable = {
      .keys = Keys(),
      .unused = {},
      .section = "NOTIFICATION",
      .home_word = kHomeWord,
      .title =
          "# Settings of the notification server. {NOTIFICATION_HOME} stands for this "
          "directory.\n",
      .file = [](const std::filesystem::path& home) { return NotificationHome(home).config(); },
      .defaults =
          [](const std::filesystem::path& home) {
            NotificationConfig config;
            config.db_uri = ExpandValue(config.db_uri, home, kHomeWord);
            return config;
          },
      .check = Check,
  };
  return kTable;
}

}  // namespace

std::filesystem::path NotificationConfig::log_directory(const std::filesystem::path& home) const {
  // A relative path would depend on where the server was started.
  const std::filesystem::path file = home / db_uri.substr(kSqlite.size());
  return (file.string() + ".events");
}

Millis NotificationConfig::start_timeout_ms() const {
  return std::chrono::duration_cast<Millis>(std::chrono::duration<double>(
      SecondsOf(wait_for_server_started_timeout).value_or(kMaxStartSeconds)));
}
Millis NotificationConfig::history_retention_ms() const {
  return CheckedDuration(history_retention);
}
Millis NotificationConfig::retention_interval_ms() const {
  return CheckedDuration(retention_interval);
}
Millis NotificationConfig::idempotence_window_ms() const {
  return CheckedDuration(idempotence_window);
}
std::optional<uint64_t> NotificationConfig::disk_reserve_bytes() const {
  return DiskReserveOf(disk_reserve);
}
uint64_t NotificationConfig::log_max_size_bytes() const { return LogSizeOf(log_max_size); }

Result<NotificationConfig> ParseNotificationConfig(const std::string& text,
                                                   const std::filesystem::path& home) {
  return ParseSettings(Table(), text, home);
}
Result<NotificationConfig> LoadNotificationConfig(const std::filesystem::path& home) {
  return LoadSettings(Table(), home);
}
Result<std::string> NotificationConfigValue(const NotificationConfig& config,
                                            const std::string& key) {
  return ConfigValueIn(Table(), config, key);
}
std::vector<Setting> NotificationSettings(const NotificationConfig& config) {
  return SettingsIn(Table(), config);
}
std::string DefaultNotificationConfigText() { return DefaultSettingsText(Table()); }

}  // namespace aiflow::server
