#include "server/config.h"

#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <variant>

#include "base/check.h"
#include "calendar/time_zone.h"
#include "server/byte_size.h"
#include "server/home.h"

namespace aiflow::server {
namespace {

/// One key: where its value lives, what it may be, and what it means.
struct Key {
  std::string_view name;
  std::variant<int64_t Config::*, std::string Config::*> member;
  std::string_view about;
  int64_t least = 0;
  int64_t most = 0;
};

constexpr int64_t kMaxPort = 65'535;
constexpr uint64_t kLeastLogSize = 64U << 10;

/// AIFLOW__SECTION__KEY; the sections of the other programs' settings are theirs.
constexpr std::string_view kVariablePrefix = "AIFLOW__";
constexpr std::string_view kSection = "SERVER__";
constexpr std::array<std::string_view, 2> kOtherSections = {"CLIENT__", "NOTIFICATION__"};

const auto& Keys() {
  static const std::array<Key, 26> kKeys = {{
      {"rpc_port", &Config::rpc_port, "Port of the scheduler.", 0, kMaxPort},
      {"internal_rpc_port", &Config::internal_rpc_port,
       "Port for heartbeats of tasks of older clients; -1 switches it off.", -1, kMaxPort},
      {"rest_port", &Config::rest_port, "Port of HTTP: /healthz and /readyz.", 0, kMaxPort},
      {"notification_server_uri", &Config::notification_server_uri,
       "Where the notification service listens."},
      {"metadata_backend_uri", &Config::metadata_backend_uri,
       "Where the metadata is. This version keeps it in the home."},
      {"task_executor", &Config::task_executor, "What runs tasks: Local."},
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

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Edit distance.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string_view NearestKey(std::string_view name) {
  std::string_view nearest;
  size_t best = std::string_view::npos;
  const auto consider = [&](std::string_view known) {
    const size_t distance = Distance(name, known);
    if (distance < best) {
      best = distance;
      nearest = known;
    }
  };
  for (const Key& key : Keys()) consider(key.name);
  return nearest;
}

void ReplaceAll(std::string* text, std::string_view what, std::string_view with) {
  for (size_t at = 0; (at = text->find(what, at)) != std::string::npos; at += with.size()) {
    text->replace(at, what.size(), with);
  }
}

/// Replaces $NAME and ${NAME}; unknown ones stay, as in a shell's double quotes they would not.
std::string ExpandVariables(const std::string& text) {
  std::string expanded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      expanded.push_back(text[i]);
      continue;
    }
    const bool braces = i + 1 < text.size() && text[i + 1] == '{';
    size_t end = i + (braces ? 2 : 1);
    const size_t begin = end;
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) {
      ++end;
    }
    const std::string name = text.substr(begin, end - begin);
    const char* value = name.empty() ? nullptr : std::getenv(name.c_str());
    const bool closed = !braces || (end < text.size() && text[end] == '}');
    if (value == nullptr || !closed) {
      expanded.push_back('$');
      continue;
    }
    expanded.append(value);
    i = braces ? end : end - 1;
  }
  return expanded;
}

std::string Expand(std::string text, const std::filesystem::path& home) {
  ReplaceAll(&text, "{AIFLOW_HOME}", home.string());
  text = ExpandVariables(text);
  if (text == "~" || text.starts_with("~/")) {
    const char* user_home = std::getenv("HOME");
    if (user_home != nullptr) text.replace(0, 1, user_home);
  }
  return text;
}

Status Wrong(std::string_view key, const std::string& what) {
  return {Code::kInvalidArgument, "key [" + std::string(key) + "] " + what};
}

Status SetValue(const Key& key, const std::string& value, const std::filesystem::path& home,
                Config* config) {
  if (const auto* text = std::get_if<std::string Config::*>(&key.member)) {
    config->** text = Expand(value, home);
    return Status::Ok();
  }
  int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) {
    return Wrong(key.name, "is not a whole number: " + value);
  }
  if (number < key.least || number > key.most) {
    return Wrong(key.name, "is " + value + ", but must be from " + std::to_string(key.least) +
                               " to " + std::to_string(key.most));
  }
  config->*std::get<int64_t Config::*>(key.member) = number;
  return Status::Ok();
}

std::string ValueOf(const Key& key, const Config& config) {
  if (const auto* text = std::get_if<std::string Config::*>(&key.member)) return config.**text;
  return std::to_string(config.*std::get<int64_t Config::*>(key.member));
}

/// Takes over what stands at `origin` under `name`, in lower case.
Status Apply(const std::string& name, const std::optional<std::string>& value,
             const std::string& origin, const std::filesystem::path& home, Config* config) {
  if (std::find(kUnusedKeys.begin(), kUnusedKeys.end(), name) != kUnusedKeys.end()) {
    config->unused.push_back(name);
    return Status::Ok();
  }
  const auto key = std::find_if(Keys().begin(), Keys().end(),
                                [&name](const Key& known) { return known.name == name; });
  if (key == Keys().end()) {
    return Wrong(name, "is unknown; did you mean " + std::string(NearestKey(name)) + "?");
  }
  // As in the forerunner: an explicit null is as good as no key.
  if (!value.has_value()) return Wrong(name, "not found in config: it has no value");
  AIFLOW_RETURN_IF_ERROR(SetValue(*key, *value, home, config));
  config->origins[name] = origin;
  return Status::Ok();
}

/// scheme://user:password@host without the password.
std::string WithoutPassword(std::string text) {
  const size_t scheme = text.find("://");
  if (scheme == std::string::npos) return text;
  const size_t user = scheme + 3;
  const size_t at = text.find_last_of('@');
  const size_t colon = text.find(':', user);
  if (at == std::string::npos || colon == std::string::npos || colon > at) return text;
  return text.replace(colon + 1, at - colon - 1, "***");
}

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

/// "90s", "15m", "12h", "30d", or "0".
std::optional<Millis> DurationOf(const std::string& text) {
  int64_t number = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || number < 0 || number > 1'000'000) return std::nullopt;
  if (number == 0 && end == last) return Millis(0);
  if (last - end != 1) return std::nullopt;
  switch (*end) {
    case 's': return std::chrono::seconds(number);
    case 'm': return std::chrono::minutes(number);
    case 'h': return std::chrono::hours(number);
    case 'd': return std::chrono::days(number);
    default: return std::nullopt;
  }
}

Millis CheckedDuration(const std::string& text) {
  const std::optional<Millis> duration = DurationOf(text);
  CHECK(duration.has_value()) << text << " was checked when it was read";
  return *duration;
}

/// `least` and `most` as a person would write them.
Status CheckDuration(std::string_view key, const std::string& text, const std::string& least,
                     const std::string& most) {
  const std::optional<Millis> duration = DurationOf(text);
  if (!duration.has_value()) {
    return Wrong(key, "must be a whole number and s, m, h or d, as in 30d: " + text);
  }
  if (*duration < CheckedDuration(least) || *duration > CheckedDuration(most)) {
    return Wrong(key, "is " + text + ", but must be from " + least + " to " + most);
  }
  return Status::Ok();
}

/// What goes beyond one value's type.
Status CheckConfig(const Config& config, const std::filesystem::path& home) {
  if (config.notification_server_uri.find(',') != std::string::npos ||
      !PortOf(config.notification_server_uri).has_value()) {
    return Wrong("notification_server_uri",
                 "must be one host:port: " + config.notification_server_uri);
  }
  if (Lower(config.task_executor) != "local") {
    return Wrong("task_executor",
                 "is " + config.task_executor + ", but this version knows Local only");
  }
  const std::string own = "sqlite:///" + Home(home).metadata().string();
  if (config.metadata_backend_uri != own) {
    return Wrong("metadata_backend_uri", "is " + WithoutPassword(config.metadata_backend_uri) +
                                             ", but this version keeps its metadata in " + own);
  }
  if (const auto zone = TimeZone::Find(config.default_timezone); !zone.has_value()) {
    return Wrong("default_timezone", "is unusable: " + zone.error().message());
  }
  constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warning", "error"};
  if (std::find(kLevels.begin(), kLevels.end(), config.log_level) == kLevels.end()) {
    return Wrong("log_level", "must be debug, info, warning or error: " + config.log_level);
  }
  if (config.unix_socket != "true" && config.unix_socket != "false") {
    return Wrong("unix_socket", "must be true or false: " + config.unix_socket);
  }
  AIFLOW_RETURN_IF_ERROR(CheckDuration("hook_timeout", config.hook_timeout, "1s", "1h"));
  AIFLOW_RETURN_IF_ERROR(CheckDuration("compile_timeout", config.compile_timeout, "1s", "1h"));
  AIFLOW_RETURN_IF_ERROR(
      CheckDuration("retention_interval", config.retention_interval, "1s", "7d"));
  if (config.history_retention != "0") {
    AIFLOW_RETURN_IF_ERROR(
        CheckDuration("history_retention", config.history_retention, "1s", "36500d"));
  }
  AIFLOW_RETURN_IF_ERROR(
      CheckDuration("idempotence_window", config.idempotence_window, "1s", "3650d"));
  if (config.disk_reserve != "auto" && !ParseByteSize(config.disk_reserve).has_value()) {
    return Wrong("disk_reserve", "must be auto, or a whole number and k, m or g, as in 512m: " +
                                     config.disk_reserve);
  }
  if (config.log_format != "text" && config.log_format != "json") {
    return Wrong("log_format", "must be text or json: " + config.log_format);
  }
  const std::optional<uint64_t> log_size = ParseByteSize(config.log_max_size);
  if (!log_size.has_value() || *log_size < kLeastLogSize) {
    return Wrong("log_max_size",
                 "must be a whole number and k, m or g, and at least 64k: " + config.log_max_size);
  }
  return Status::Ok();
}

/// The one place where yaml-cpp may throw.
Result<std::vector<std::pair<std::string, std::optional<std::string>>>> ReadPairs(
    const std::string& text) {
  std::vector<std::pair<std::string, std::optional<std::string>>> pairs;
  try {
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return pairs;
    if (!root.IsMap()) return Error(Code::kInvalidArgument, "it is not a map of keys to values");
    for (const auto& entry : root) {
      std::optional<std::string> value;
      if (entry.second.IsScalar()) value = entry.second.as<std::string>();
      if (entry.second.IsMap() || entry.second.IsSequence()) value = YAML::Dump(entry.second);
      pairs.emplace_back(Lower(entry.first.as<std::string>()), std::move(value));
    }
  } catch (const YAML::Exception& error) {
    return Error(Code::kInvalidArgument, std::string("it is no YAML: ") + error.what());
  }
  return pairs;
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
std::optional<uint64_t> Config::disk_reserve_bytes() const { return ParseByteSize(disk_reserve); }
uint64_t Config::log_max_size_bytes() const {
  return ParseByteSize(log_max_size).value_or(kLeastLogSize);
}

Result<Config> ParseConfig(const std::string& text, const std::filesystem::path& home) {
  Config config;
  config.metadata_backend_uri = Expand(config.metadata_backend_uri, home);
  const auto pairs = ReadPairs(text);
  if (!pairs.has_value()) return Error(pairs.error());
  const std::string origin = Home(home).config().string();
  for (const auto& [name, value] : *pairs) {
    if (Status status = Apply(name, value, origin, home, &config); !status.ok()) {
      return Error(std::move(status));
    }
  }
  if (Status status = CheckConfig(config, home); !status.ok()) return Error(std::move(status));
  return config;
}

Status OverrideConfig(const std::map<std::string, std::string>& variables,
                      const std::filesystem::path& home, Config* config) {
  for (const auto& [variable, value] : variables) {
    if (!variable.starts_with(kVariablePrefix)) continue;
    const std::string_view rest = std::string_view(variable).substr(kVariablePrefix.size());
    if (!rest.starts_with(kSection)) {
      if (std::any_of(kOtherSections.begin(), kOtherSections.end(),
                      [rest](std::string_view section) { return rest.starts_with(section); })) {
        continue;
      }
      return {Code::kInvalidArgument,
              variable +
                  " is no setting; those of the server are AIFLOW__SERVER__KEY, as in "
                  "AIFLOW__SERVER__RPC_PORT"};
    }
    Status status =
        Apply(Lower(std::string(rest.substr(kSection.size()))), value, variable, home, config);
    // All was fine before this variable, so what is wrong now is its value.
    if (status.ok()) status = CheckConfig(*config, home);
    if (!status.ok()) return {status.code(), variable + ": " + status.message()};
  }
  return Status::Ok();
}

Result<Config> LoadConfig(const std::filesystem::path& home) {
  const std::filesystem::path path = Home(home).config();
  std::string text;
  std::error_code error;
  if (std::filesystem::exists(path, error)) {
    Result<std::string> read = ReadTextFile(path);
    if (!read.has_value()) return Error(read.error());
    text = *std::move(read);
  }
  Result<Config> config = ParseConfig(text, home);
  if (!config.has_value()) {
    return Error(config.error().code(), path.string() + ": " + config.error().message());
  }
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view both = *entry;
    const size_t equals = both.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(both.substr(0, equals), both.substr(equals + 1));
  }
  if (Status status = OverrideConfig(variables, home, &*config); !status.ok()) {
    return Error(std::move(status));
  }
  return config;
}

Result<std::string> ConfigValue(const Config& config, const std::string& key) {
  const std::string name = Lower(key);
  for (const Key& known : Keys()) {
    if (known.name == name) return ValueOf(known, config);
  }
  return Error(Code::kNotFound, "key [" + key + "] not found in config");
}

std::vector<Setting> Settings(const Config& config) {
  std::vector<Setting> settings;
  for (const Key& key : Keys()) {
    const std::string name(key.name);
    const auto origin = config.origins.find(name);
    settings.push_back({name, WithoutPassword(ValueOf(key, config)),
                        origin == config.origins.end() ? "default" : origin->second});
  }
  return settings;
}

std::string DefaultConfigText() {
  const Config defaults;
  std::string text = "# Settings of the AIFlow server. {AIFLOW_HOME} stands for this directory.\n";
  for (const Key& key : Keys()) {
    text.append("\n# ").append(key.about).append("\n");
    text.append(key.name).append(": ");
    if (const auto* member = std::get_if<std::string Config::*>(&key.member)) {
      // Quoted, as YAML would take a brace for a map.
      text.append("'").append(defaults.**member).append("'");
    } else {
      text.append(std::to_string(defaults.*std::get<int64_t Config::*>(key.member)));
    }
    text.append("\n");
  }
  return text;
}

}  // namespace aiflow::server
