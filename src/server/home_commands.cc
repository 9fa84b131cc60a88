#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "executor/attempt_store.h"
#include "executor/local/runner_connection.h"
#include "server/config.h"
#include "server/config_file.h"
#include "server/home.h"
#include "server/server_main.h"
#include "storage/io/file_system.h"
#include "storage/segments/segment_log.h"
#include "storage/sqlite/sqlite_store.h"

namespace aiflow::server {
namespace {

namespace fs = std::filesystem;

/// Makes or upgrades log and metadata; the caller holds the home's lock.
Result<std::string> MakeStores(const Home& home) {
  const auto versions = SqliteStore::Migrate(home.metadata());
  if (!versions.has_value()) return Error(versions.error());
  // A home without a log of its own can still become that of a notification server's log.
  const Result<Config> config = LoadConfig(home.root());
  if (!config.has_value()) return Error(config.error());
  std::error_code error;
  if (config->notification_server == "embedded" || fs::exists(home.log(), error)) {
    const auto log = SegmentLog::Open(PosixFileSystem(), SystemClock(), home.log().string(), {});
    if (!log.has_value()) return Error(log.error());
  }
  const std::string subject = "metadata " + home.metadata().string();
  if (versions->before == 0) {
    return subject + ": made, version " + std::to_string(versions->after);
  }
  if (versions->before == versions->after) {
    return subject + ": version " + std::to_string(versions->after) + " already";
  }
  return subject + ": upgraded from version " + std::to_string(versions->before) + " to " +
         std::to_string(versions->after);
}

Result<std::string> MakeOrUpgrade(const fs::path& root) {
  const PrivateFiles private_files;
  const Home home(ResolveHome(root.string()));
  if (Status made = home.Make(); !made.ok()) return Error(std::move(made));
  const auto lock = home.Lock();
  if (!lock.has_value()) return Error(lock.error());
  return MakeStores(home);
}

/// Refuses while a process of an attempt lives, then ends the runner, which would otherwise go on
/// without its files.
Status EndRunner(const Home& home) {
  const std::string live = FindLiveAttempt(home.attempts().string());
  if (!live.empty()) {
    return {Code::kFailedPrecondition,
            "attempt " + live +
                " is running; stop the tasks first: start the server, then "
                "`aiflow server stop --stop-tasks`"};
  }
  std::error_code error;
  if (!fs::exists(home.runner(), error)) return Status::Ok();
  RunnerAddress address;
  address.dir = home.runner().string();
  return RunnerConnection::Quit(address, /*kill=*/false);
}

}  // namespace

fs::path ResolveHome(const std::string& given) {
  std::string text = given;
  if (text.empty()) {
    const char* home = std::getenv("AIFLOW_HOME");
    if (home != nullptr) text = home;
  }
  if (text.empty()) {
    const char* user = std::getenv("HOME");
    text = std::string(user == nullptr ? "/" : user) + "/aiflow";
  }
  std::error_code error;
  const fs::path absolute = fs::absolute(text, error).lexically_normal();
  // "home/" and "home" are the same home.
  return absolute.has_filename() ? absolute : absolute.parent_path();
}

std::string Version() { return AIFLOW_VERSION; }

Result<std::string> GetConfigValue(const fs::path& home, const std::string& key) {
  const Result<Config> config = LoadConfig(ResolveHome(home.string()));
  if (!config.has_value()) return Error(config.error());
  return ConfigValue(*config, key);
}

Result<std::vector<Setting>> ShowConfig(const fs::path& home) {
  const Result<Config> config = LoadConfig(ResolveHome(home.string()));
  if (!config.has_value()) return Error(config.error());
  return Settings(*config);
}

Result<fs::path> InitConfig(const fs::path& root) {
  return InitConfigFile(Home(ResolveHome(root.string())).config(), DefaultConfigText());
}

Result<std::string> ListConfig(const fs::path& root) {
  return ListConfigFile(Home(ResolveHome(root.string())).config(), "aiflow config init");
}

Result<std::string> DbInit(const fs::path& home) { return MakeOrUpgrade(home); }
Result<std::string> DbUpgrade(const fs::path& home) { return MakeOrUpgrade(home); }

Result<std::string> DbReset(const fs::path& root) {
  const PrivateFiles private_files;
  const Home home(ResolveHome(root.string()));
  if (Status made = home.Make(); !made.ok()) return Error(std::move(made));
  const auto lock = home.Lock();
  if (!lock.has_value()) return Error(lock.error());
  if (Status status = EndRunner(home); !status.ok()) return Error(std::move(status));
  // The metadata goes first: offsets of a log that is gone must never meet it.
  if (Status reset = SqliteStore::Reset(home.metadata()); !reset.ok()) {
    return Error(std::move(reset));
  }
  for (const fs::path& directory :
       {home.log(), home.blobs(), home.blob_cache(), home.snapshots(), home.attempts(),
        home.executors(), home.sockets(), home.runner(), home.working_dirs(), home.logs()}) {
    std::error_code error;
    // Unpacked bundles are read-only, directories too.
    for (fs::recursive_directory_iterator it(directory, error), end; !error && it != end;
         it.increment(error)) {
      std::error_code ignored;
      if (it->is_directory(ignored) && !it->is_symlink(ignored)) {
        fs::permissions(it->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
      }
    }
    error.clear();
    fs::remove_all(directory, error);
    if (error) {
      return Error(Code::kUnavailable,
                   "cannot remove " + directory.string() + ": " + error.message());
    }
  }
  const Result<std::string> made = MakeStores(home);
  if (!made.has_value()) return made;
  return "home " + home.root().string() + ": everything removed, new stores made";
}

}  // namespace aiflow::server
