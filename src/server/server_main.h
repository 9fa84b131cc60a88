#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "server/config.h"
#include "server/doctor/finding.h"
#include "server/named_token.h"

/// The entry points of the server roles for the `aiflow` program. No function throws, exits or
/// installs anything lasting but signal handling while a server runs. Functions that return int
/// print for people (results on stdout, one paragraph on stderr when something is wrong) and return
/// one of the exit codes below; the others print nothing.
namespace aiflow::server {

/// Exit codes of server commands (docs/configuration.md).
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;  // anything not named below
inline constexpr int kExitUsage = 2;    // options that contradict each other or are refused
inline constexpr int kExitConfig = 3;   // configuration file missing, unreadable or wrong
inline constexpr int kExitPortInUse = 4;
inline constexpr int kExitHomeInUse = 5;  // another server runs on this home
inline constexpr int kExitHomeMismatch =
    6;                                     // written by a newer version, or log and metadata differ
inline constexpr int kExitNotRunning = 7;  // `server stop` without a server

/// The home: `given` when not empty, else $AIFLOW_HOME, else ~/aiflow. Absolute.
std::filesystem::path ResolveHome(const std::string& given);

/// What both server commands take. Ports: the option, else the configuration file, else the default
/// (50051 scheduler, 50052 notification, 8000 HTTP, 50000 heartbeat), each plus `port_offset`
/// unless given as an option. 0 lets the system choose, and keeps the port of the
/// home's last server when it is free. internal_rpc_port -1 switches that listener
/// off.
struct ServerOptions {
  std::string home;  // empty: ResolveHome("")
  int port_offset = 0;
  std::optional<int> rpc_port;
  std::optional<int> notification_port;
  std::optional<int> http_port;
  std::optional<int> internal_rpc_port;
  std::string host = "127.0.0.1";  // address to listen on
  bool insecure = false;           // allows a host that is not loopback
  bool stop_tasks = false;         // at the end, stop running tasks first
  bool verbose = false;            // debug log
  /// Executors that are not configured any more: what is unfinished there ends FAILED.
  std::vector<std::string> abandoned_executors;
  bool log_to_file = false;  // to logs/aiflow_server-*.log, as RunStandalone does
};
struct StandaloneOptions : ServerOptions {};

/// `aiflow standalone`: makes a fresh home when there is none, runs everything in this process,
/// logs to logs/aiflow_server-*.log in the home, prints addresses and next commands once ready,
/// returns after SIGTERM, SIGINT or the end of its terminal. Without a terminal, SIGHUP opens the
/// log anew.
int RunStandalone(const StandaloneOptions& options);

/// `aiflow server start` in the foreground: the same server, log on stderr, only on a home that
/// exists
/// (`config init` or `db init` makes one).
int RunServer(const ServerOptions& options);

/// `aiflow server start -d`: runs the server detached, waits until it is ready or has failed,
/// prints where log and pid file are. It logs to logs/aiflow_server-*.log; what else it says goes
/// to logs/aiflow_server.out. `executable` is this program's path; it is run as `executable server
/// start
/// --home HOME ...`.
int StartServerDaemon(const ServerOptions& options, const std::filesystem::path& executable);

/// `aiflow server stop`: SIGTERM, then SIGKILL after 60 s, to the server of this home. Its tasks
/// run on unless `stop_tasks`.
int StopServer(const std::filesystem::path& home, bool stop_tasks = false);

/// Where a running (or the last) server of a home listens: read from server.json in the home.
struct Endpoints {
  std::string server_uri;        // host:port of the scheduler and of aiflow.v1
  std::string notification_uri;  // host:port
  std::string http_url;          // http://host:port; empty when off
  int64_t pid = 0;
  std::string version;
  std::string log;  // path of its log; empty: it logs on stderr
};
/// As the last server of the home wrote them, whether it runs or not; empty when none ever ran, or
/// when the file is damaged.
Endpoints LastEndpoints(const std::filesystem::path& home);
/// kNotFound when no server ever ran there; kUnavailable when the recorded server is not alive.
Result<Endpoints> ReadEndpoints(const std::filesystem::path& home);

/// `aiflow config get-value KEY`: the effective value as text (defaults included). kNotFound names
/// the key.
Result<std::string> GetConfigValue(const std::filesystem::path& home, const std::string& key);
/// `aiflow config show`: every key with its effective value and where that is from.
Result<std::vector<Setting>> ShowConfig(const std::filesystem::path& home);
/// `aiflow config init`: writes aiflow_server.yaml with all defaults. The path; kAlreadyExists,
/// with the path as its message, leaves the file as it is.
Result<std::filesystem::path> InitConfig(const std::filesystem::path& home);
/// `aiflow config list`: the text of the file; kNotFound without one.
Result<std::string> ListConfig(const std::filesystem::path& home);

/// `aiflow token add NAME`: the new token, which is kept nowhere. kInvalidArgument for a bad name,
/// kAlreadyExists for one in use. A running server knows it at once; so for the others.
Result<std::string> AddToken(const std::filesystem::path& home, const std::string& name);
/// `aiflow token list`.
Result<std::vector<NamedToken>> ListTokens(const std::filesystem::path& home);
/// `aiflow token remove NAME`: kNotFound names it.
Status RemoveToken(const std::filesystem::path& home, const std::string& name);

/// `aiflow db init` and `db upgrade`: makes or upgrades the stores of the home. Idempotent. The
/// text says what was done. kFailedPrecondition while a server runs there, or for a newer version.
Result<std::string> DbInit(const std::filesystem::path& home);
Result<std::string> DbUpgrade(const std::filesystem::path& home);
/// `aiflow db reset`: removes log, metadata, blobs, snapshots, attempt and working directories and
/// task logs, then makes fresh stores. The caller has asked the user. kFailedPrecondition while a
/// server or a task runs.
Result<std::string> DbReset(const std::filesystem::path& home);

/// `aiflow doctor`: looks at the home, the machine and the server that runs, if one does, and
/// changes nothing. `executable` is this program's path. Works on a home that is missing or broken.
/// Takes some seconds at most, and longer to check large metadata while no server runs.
std::vector<Finding> Diagnose(const std::filesystem::path& home,
                              const std::filesystem::path& executable);

/// "0.1.0".
std::string Version();

}  // namespace aiflow::server
