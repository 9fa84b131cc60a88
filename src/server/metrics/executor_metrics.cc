#include "server/metrics/executor_metrics.h"

#include <functional>

namespace aiflow::server {
// Samples of one metric stand together.
void AddPlugins(const std::map<std::string, PluginExecutorUse>& uses, MetricPage& page) {
  using Value = std::function<double(const PluginExecutorUse&)>;
  const auto gauge = [&](const char* metric, const char* help, const Value& value) {
    for (const auto& [name, use] : uses) page.Gauge(metric, help, value(use), {{"executor", name}});
  };
  const auto counter = [&](const char* metric, const char* help, const Value& value) {
    for (const auto& [name, use] : uses) {
      page.Counter(metric, help, value(use), {{"executor", name}});
    }
  };
  gauge("aiflow_executor_connected", "1 when the plug-in of the executor answers.",
        [](const auto& use) { return use.connected ? 1.0 : 0.0; });
  gauge("aiflow_executor_unreachable_seconds", "How long the plug-in could not be reached.",
        [](const auto& use) { return Number(use.unreachable); });
  gauge("aiflow_executor_attempts", "Attempts of tasks handed over and not yet forgotten.",
        [](const auto& use) { return Number(use.attempts); });
  gauge("aiflow_executor_running_attempts", "Attempts of tasks that run there.",
        [](const auto& use) { return Number(use.running); });
  counter("aiflow_executor_starts_total", "Attempts handed over to be started.",
          [](const auto& use) { return Number(use.starts); });
  counter("aiflow_executor_lost_attempts_total", "Attempts that the plug-in no longer knew.",
          [](const auto& use) { return Number(use.lost); });
  counter("aiflow_executor_refused_reports_total", "Reports that could not be believed.",
          [](const auto& use) { return Number(use.refused); });
  counter("aiflow_executor_connections_total", "Connections made to plug-ins.",
          [](const auto& use) { return Number(use.connections); });
  counter("aiflow_executor_process_starts_total", "Starts of the program of the plug-in.",
          [](const auto& use) { return Number(use.process_starts); });
}

}  // namespace aiflow::server
