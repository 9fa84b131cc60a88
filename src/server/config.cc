#include "server/config.h"

#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/check.h"
#include "calendar/time_zone.h"
#include "client/credentials.h"
#include "server/blob_store_config.h"
#include "server/byte_size.h"
#include "server/config_checks.h"
#include "server/executor_config.h"
#include "server/home.h"

namespace aiflow::server {
namespace {

constexpr int64_t kMaxPort = 65'535;
constexpr uint64_t kLeastTaskLog = 1U << 20;

using Key = ConfigKey<Config>;

const auto& Keys() {
  static const std::array<Key, 46> kKeys = {{
      {"rpc_port", &Config::rpc_port, "Port of the scheduler.", 0, kMaxPort},
      {"internal_rpc_port", &Config::internal_rpc_port,
       "Port for heartbeats of tasks of older clients; -1 switches it off.", -1, kMaxPort},
      {"rest_port", &Config::rest_port, "Port of HTTP: REST, /healthz, /readyz and /metrics.", 0,
       kMaxPort},
      {"notification_server_uri", &Config::notification_server_uri,
       "Where the notification service listens, or that of another process is."},
      {"notification_server", &Config::notification_server,
       "embedded: in this process; remote: in another one; auto: as before, or what answers."},
      {"notification_token_file", &Config::notification_token_file,
       "File with the token for a notification server in another process; empty: none."},
      {"notification_tls", &Config::notification_tls,
       "Whether to reach it by TLS: true, false; empty: when the next one is set."},
      {"notification_tls_ca_file", &Config::notification_tls_ca_file,
       "PEM file of who signed its certificate; empty: the system's authorities."},
      {"notification_tls_certificate_file", &Config::notification_tls_certificate_file,
       "PEM file of the certificate to show it, where it asks for one."},
      {"notification_tls_key_file", &Config::notification_tls_key_file,
       "PEM file of that certificate's private key."},
      {"metadata_backend_uri", &Config::metadata_backend_uri,
       "Where the metadata is. This version keeps it in the home."},
      {"task_executor", &Config::task_executor,
       "What runs tasks that say nothing else: Local, or one of `executors`."},
      {.name = "executors",
       .member = &Config::executors,
       .about = "Programs that run tasks elsewhere: {NAME: {command: [...], parallelism: 100, "
                "config: {...}, env: {...}}}.",
       .may_be_null = true,
       .raw = true},
      {"local_executor_parallelism", &Config::local_executor_parallelism,
       "Tasks that run at a time; more wait their turn.", 1, 100'000},
      {"python_executable", &Config::python_executable,
       "Runs Python tasks whose own interpreter is not on this machine."},
      {"default_timezone", &Config::default_timezone,
       "Of schedules and periodic tasks that name no time zone, nor does their workflow."},
      {"condition_hosts", &Config::condition_hosts,
       "Processes that evaluate user-written conditions at a time.", 1, 1'000},
      {"condition_timeout", &Config::condition_timeout,
       "Seconds that a user-written condition may take for one event.", 1, 86'400},
      {"condition_attempts", &Config::condition_attempts,
       "How often it is asked when it takes longer or its process dies.", 1, 100},
      {"blob_store", &Config::blob_store,
       "Where uploads are kept: local (in the home), s3, oss or webhdfs."},
      {"blob_store_url", &Config::blob_store_url,
       "http(s)://host:port of that store; empty for s3: Amazon's, of the region."},
      {"blob_store_bucket", &Config::blob_store_bucket, "Bucket of s3 and oss."},
      {"blob_store_prefix", &Config::blob_store_prefix,
       "What keys of s3 and oss begin with; of webhdfs an absolute directory. One for each home."},
      {"blob_store_region", &Config::blob_store_region, "Region of s3 and oss."},
      {"blob_store_addressing", &Config::blob_store_addressing,
       "Where requests name the bucket: path, virtual (in the host); auto: path for s3 with a "
       "url."},
      {"blob_store_credentials_file", &Config::blob_store_credentials_file,
       "File with the keys for s3 and oss; empty: AWS_ACCESS_KEY_ID and so on are used."},
      {"blob_store_user", &Config::blob_store_user, "user.name for webhdfs."},
      {"blob_store_ca_file", &Config::blob_store_ca_file,
       "PEM file of who signed that store's certificate; empty: the system's authorities."},
      {"blob_store_timeout", &Config::blob_store_timeout,
       "How long one operation on that store may take, tries and pauses included."},
      {"blob_store_attempts", &Config::blob_store_attempts, "How often it is tried.", 1, 100},
      {"blob_cache_size", &Config::blob_cache_size,
       "How much of that store may be kept as copies in the home."},
      {"log_level", &Config::log_level, "Of the server's log: debug, info, warning, error."},
      {"unix_socket", &Config::unix_socket,
       "Whether scheduler and notification service also listen in run/ of the home: true, false."},
      {"tls_certificate_file", &Config::tls_certificate_file,
       "PEM file of the certificate that the ports show; empty: no TLS."},
      {"tls_key_file", &Config::tls_key_file,
       "PEM file of its private key, for the server's user alone."},
      {"tls_client_ca_file", &Config::tls_client_ca_file,
       "PEM file of who signs clients' certificates; empty: clients need none."},
      {"hook_timeout", &Config::hook_timeout,
       "How long one try of a workflow's hook may take: a number and s, m, h or d."},
      {"compile_timeout", &Config::compile_timeout,
       "How long compiling what an older client uploads may take."},
      {"history_retention", &Config::history_retention,
       "How long events and what has ended are kept; 0: for ever."},
      {"retention_interval", &Config::retention_interval,
       "How often what is older than that is removed."},
      {"idempotence_window", &Config::idempotence_window,
       "How long the id of an event is known after the event was removed."},
      {"disk_reserve", &Config::disk_reserve,
       "Free disk space below which there is an alarm, and below half of which what is new is "
       "refused: a number and k, m or g; auto: 256m, but at most a tenth of the disk; 0: never."},
      {"log_format", &Config::log_format, "Of the server's log: text or json."},
      {"log_max_size", &Config::log_max_size, "Size at which a new file of the log is begun."},
      {"task_log_max_bytes", &Config::task_log_max_bytes,
       "What is kept of the end of a task's log. 0: all of it."},
      {"log_files", &Config::log_files, "Files of the server's log that are kept.", 1, 10'000},
  }};
  return kKeys;
}

/// Keys of the forerunner's file that have no meaning here.
constexpr std::array<std::string_view, 13> kUnusedKeys = {"log_dir",
                                                          "state_backend_uri",
                                                          "sql_alchemy_pool_enabled",
                                                          "sql_alchemy_pool_size",
                                                          "sql_alchemy_max_overflow",
                                                          "task_executor_heartbeat_check_interval",
                                                          "task_heartbeat_timeout",
                                                          "task_heartbeat_interval",
                                                          "k8s_executor_config",
                                                          "server_worker_queue_size",
                                                          "server_worker_number",
                                                          "server_start_timeout",
                                                          "local_registry_path"};

std::optional<int> PortOf(const std::string& uri) {
  const size_t colon = uri.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  int port = 0;
  const char* begin = uri.data() + colon + 1;
  const char* last = uri.data() + uri.size();
  const auto [end, error] = std::from_chars(begin, last, port);
  if (error != std::errc() || end != last || port < 0 || port > kMaxPort) return std::nullopt;
  return port;
}

/// What goes beyond one value's type.
Status CheckConfig(const Config& config, const std::filesystem::path& home) {
  if (config.notification_server_uri.find(',') != std::string::npos ||
      !PortOf(config.notification_server_uri).has_value()) {
    return WrongKey("notification_server_uri",
                    "must be one host:port: " + config.notification_server_uri);
  }
  if (const std::string& kind = config.notification_server;
      kind != "auto" && kind != "embedded" && kind != "remote") {
    return WrongKey("notification_server", "must be auto, embedded or remote: " + kind);
  }
  if (!config.notification_tls.empty()) {
    AIFLOW_RETURN_IF_ERROR(CheckBool("notification_tls", config.notification_tls));
  }
  const bool remote_tls = client::MeansTls({.token = "",
                                            .token_file = "",
                                            .tls = config.notification_tls,
                                            .tls_ca_file = config.notification_tls_ca_file,
                                            .tls_certificate_file = "",
                                            .tls_key_file = ""});
  if (!config.notification_token_file.empty() && !remote_tls &&
      !client::IsLocal(config.notification_server_uri)) {
    return WrongKey("notification_token_file",
                    "names a token, which goes to the other machine of notification_server_uri by "
                    "TLS only: set notification_tls_ca_file or notification_tls");
  }
  AIFLOW_RETURN_IF_ERROR(CheckExecutors(config, home));
  const std::string own = "sqlite:///" + Home(home).metadata().string();
  if (config.metadata_backend_uri != own) {
    return WrongKey("metadata_backend_uri", "is " + WithoutPassword(config.metadata_backend_uri) +
                                                ", but this version keeps its metadata in " + own);
  }
  if (const auto zone = TimeZone::Find(config.default_timezone); !zone.has_value()) {
    return WrongKey("default_timezone", "is unusable: " + zone.error().message());
  }
  AIFLOW_RETURN_IF_ERROR(CheckBlobStore(config));
  AIFLOW_RETURN_IF_ERROR(CheckLogLevel(config.log_level));
  AIFLOW_RETURN_IF_ERROR(CheckBool("unix_socket", config.unix_socket));
  AIFLOW_RETURN_IF_ERROR(CheckDuration("hook_timeout", config.hook_timeout, "1s", "1h"));
  AIFLOW_RETURN_IF_ERROR(CheckDuration("compile_timeout", config.compile_timeout, "1s", "1h"));
  AIFLOW_RETURN_IF_ERROR(CheckRetention(config.history_retention, config.retention_interval,
                                        config.idempotence_window));
  AIFLOW_RETURN_IF_ERROR(CheckDiskReserve(config.disk_reserve));
  AIFLOW_RETURN_IF_ERROR(CheckLogFile(config.log_format, config.log_max_size));
  const std::optional<uint64_t> task_log = ParseByteSize(config.task_log_max_bytes);
  if (!task_log.has_value() || (*task_log != 0 && *task_log < kLeastTaskLog) ||
      *task_log > uint64_t{INT64_MAX}) {
    return WrongKey("task_log_max_bytes",
                    "must be 0, or a whole number and k, m or g, and at least 1m: " +
                        config.task_log_max_bytes);
  }
  return Status::Ok();
}

const ConfigTable<Config>& Table() {
  static const ConfigTable<Config> kTable = {
      .keys = Keys(),
      .unused = kUnusedKeys,
      .section = "SERVER",
      .home_word = "{AIFLOW_HOME}",
      .title = "# Settings of the AIFlow server. {AIFLOW_HOME} stands for this directory.\n",
      .file = [](const std::filesystem::path& home) { return Home(home).config(); },
      .defaults =
          [](const std::filesystem::path& home) {
            Config config;
            config.metadata_backend_uri =
                ExpandValue(config.metadata_backend_uri, home, "{AIFLOW_HOME}");
            return config;
          },
      .check = CheckConfig,
  };
  return kTable;
}

}  // namespace

int Config::notification_port() const {
  const std::optional<int> port = PortOf(notification_server_uri);
  CHECK(port.has_value()) << notification_server_uri << " was checked when it was read";
  return *port;
}

Millis Config::hook_timeout_ms() const { return CheckedDuration(hook_timeout); }
Millis Config::compile_timeout_ms() const { return CheckedDuration(compile_timeout); }
Millis Config::history_retention_ms() const { return CheckedDuration(history_retention); }
Millis Config::retention_interval_ms() const { return CheckedDuration(retention_interval); }
Millis Config::idempotence_window_ms() const { return CheckedDuration(idempotence_window); }
std::optional<uint64_t> Config::disk_reserve_bytes() const { return DiskReserveOf(disk_reserve); }
uint64_t Config::log_max_size_bytes() const { return LogSizeOf(log_max_size); }
int64_t Config::task_log_max_size() const {
  return static_cast<int64_t>(ParseByteSize(task_log_max_bytes).value_or(0));
}

Result<Config> ParseConfig(const std::string& text, const std::filesystem::path& home) {
  return ParseSettings(Table(), text, home);
}

Status OverrideConfig(const std::map<std::string, std::string>& variables,
                      const std::filesystem::path& home, Config* config) {
  return OverrideSettings(Table(), variables, home, config);
}

Result<Config> LoadConfig(const std::filesystem::path& home) { return LoadSettings(Table(), home); }

Result<std::string> ConfigValue(const Config& config, const std::string& key) {
  return ConfigValueIn(Table(), config, key);
}

std::vector<Setting> Settings(const Config& config) { return SettingsIn(Table(), config); }
std::string DefaultConfigText() { return DefaultSettingsText(Table()); }

}  // namespace aiflow::server
