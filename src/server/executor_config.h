#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "server/config.h"
#include "server/executor_pools.h"

/// The settings `executors` and `task_executor` of aiflow_server.yaml (docs/configuration.md).
namespace aiflow::server {

inline constexpr size_t kMaxExecutors = 100;
inline constexpr size_t kMaxExecutorNameBytes = 64;
/// Of the settings of one plug-in, as JSON: they go into an environment variable.
inline constexpr size_t kMaxExecutorConfigBytes = 64 << 10;

/// An executor that is a program of its own. Plain value.
struct ExecutorConfig {
  std::string name;
  std::vector<std::string> command;
  int64_t parallelism = 0;
  std::string config = "{}";               // a JSON object, for the plug-in
  std::map<std::string, std::string> env;  // variables of the plug-in, over the server's
};

/// `text` is the YAML of the key `executors`; `{AIFLOW_HOME}`, `$NAME` and a leading `~` are
/// replaced in each value. kInvalidArgument names the key and says what it must be.
Result<std::vector<ExecutorConfig>> ParseExecutors(const std::string& text,
                                                   const std::filesystem::path& home);

Status CheckExecutors(const Config& config, const std::filesystem::path& home);

/// Of a checked `config`: the plug-ins; every executor with its parallelism, the local one first;
/// and the name of the one that runs what names none.
std::vector<ExecutorConfig> PluginExecutors(const Config& config,
                                            const std::filesystem::path& home);
std::vector<ConfiguredExecutor> EveryExecutor(const Config& config,
                                              const std::filesystem::path& home);
std::string DefaultExecutor(const Config& config);

}  // namespace aiflow::server
