#pragma once

#include <map>
#include <string>

#include "plugin/plugin_executor.h"
#include "server/metrics/metric_page.h"

namespace aiflow::server {

/// What executors that are plug-ins have at hand, by their names.
void AddPlugins(const std::map<std::string, PluginExecutorUse>& uses, MetricPage& page);

}  // namespace aiflow::server
