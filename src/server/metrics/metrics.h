#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "engine/engine_loop.h"
#include "executor/local/local_executor.h"
#include "hosts/host_pool.h"
#include "plugin/plugin_executor.h"
#include "server/blob_storage.h"
#include "server/metrics/log_server_metrics.h"
#include "server/metrics/timed_store.h"

namespace aiflow::server {

/// The parts of a server that are measured; all outlive the Metrics.
struct MetricSources {
  LogServerSources server;
  std::filesystem::path database;
  EngineLoop& engine;
  const TimedStore& store;
  const LocalExecutor& executor;
  std::function<std::map<std::string, PluginExecutorUse>()> plugins;  // by name
  std::function<hosts::HostPoolStats()> hosts;
  std::function<BlobStorageUse()> blobs;
};

/// What an operator watches (docs/operating.md has the list). Everything is read when it is asked
/// for; between two calls nothing runs. Thread-safe.
class Metrics {
 public:
  explicit Metrics(MetricSources sources) : sources_(std::move(sources)) {}

  /// The page for Prometheus: text/plain; version=0.0.4. Waits at most a second for the engine's
  /// thread; what only that knows is left out when it is busy for longer.
  [[nodiscard]] std::string Text() const;

 private:
  const MetricSources sources_;
};

}  // namespace aiflow::server
