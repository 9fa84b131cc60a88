#include "server/executors.h"

#include <utility>

namespace aiflow::server {
namespace {

/// A plug-in that is just being started, or started again, is nothing to worry about.
constexpr int64_t kAwaySeconds = 10;

PluginCommand CommandOf(const ExecutorConfig& config, const Executors::Settings& settings) {
  PluginCommand command{.executor = config.name,
                        .argv = config.command,
                        .environment = settings.environment,
                        .config = config.config,
                        .directory = settings.home.root().string(),
                        .socket = settings.home.ExecutorSocket(config.name).string(),
                        .state_dir = (settings.home.executors() / config.name).string(),
                        .log = settings.home.ExecutorLog(config.name).string()};
  for (const auto& [name, value] : config.env) command.environment[name] = value;
  return command;
}

}  // namespace

Executors::Executors(Settings settings) : local_(std::make_unique<LocalExecutor>(settings.local)) {
  std::map<std::string, TaskExecutor*> others;
  for (const ExecutorConfig& config : settings.plugins) {
    PluginExecutorOptions options;
    options.name = config.name;
    options.home_id = settings.home_id;
    options.attempts_dir = settings.local.attempts_dir;
    options.log_max_bytes = settings.local.log_max_bytes;
    options.warn = settings.warn;
    auto executor = std::make_unique<PluginExecutor>(
        std::move(options),
        std::make_unique<PluginProcess>(CommandOf(config, settings), settings.warn));
    others[config.name] = executor.get();
    plugins_[config.name] = std::move(executor);
  }
  router_ = std::make_unique<RoutingExecutor>(
      *local_, std::move(others),
      RoutingExecutorOptions{.attempts_dir = settings.local.attempts_dir,
                             .abandoned = std::move(settings.abandoned),
                             .warn = settings.warn});
}

std::map<std::string, PluginExecutorUse> Executors::PluginUses() const {
  std::map<std::string, PluginExecutorUse> uses;
  for (const auto& [name, plugin] : plugins_) uses[name] = plugin->use();
  return uses;
}

std::vector<std::string> Executors::Warnings() const {
  std::vector<std::string> warnings;
  for (const auto& [name, use] : PluginUses()) {
    if (use.unreachable < kAwaySeconds) continue;
    warnings.push_back("executor " + name + " has not been reachable for " +
                       std::to_string(use.unreachable) + " s: " + use.problem + "; its tasks wait");
  }
  return warnings;
}

}  // namespace aiflow::server
