#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "executor/local/local_executor.h"
#include "executor/routing/routing_executor.h"
#include "plugin/plugin_executor.h"
#include "server/executor_config.h"
#include "server/home.h"

namespace aiflow::server {

/// The executors of one server: the local one, and those of the configuration. Thread-safe.
class Executors {
 public:
  struct Settings {
    LocalExecutorOptions local;
    std::vector<ExecutorConfig> plugins;
    Home home;
    std::string home_id;                             // of letters, digits and dashes
    std::map<std::string, std::string> environment;  // of plug-ins
    std::set<std::string> abandoned;
    std::function<void(const std::string& line)> warn;
  };
  explicit Executors(Settings settings);

  /// All of them as one.
  [[nodiscard]] TaskExecutor& all() const { return *router_; }
  [[nodiscard]] const LocalExecutor& local() const { return *local_; }
  [[nodiscard]] int64_t running() const { return router_->running(); }
  void Close() { router_->Close(); }

  [[nodiscard]] std::map<std::string, PluginExecutorUse> PluginUses() const;
  /// A line for each plug-in that has not been reachable for a while.
  [[nodiscard]] std::vector<std::string> Warnings() const;

 private:
  std::unique_ptr<LocalExecutor> local_;
  std::map<std::string, std::unique_ptr<PluginExecutor>> plugins_;  // by name
  std::unique_ptr<RoutingExecutor> router_;
};

}  // namespace aiflow::server
