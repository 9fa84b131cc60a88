#pragma once

#include <filesystem>
#include <string>

#include "api/grpc/call_counts.h"
#include "eventlog/log_service.h"
#include "server/disk_watch.h"
#include "server/metrics/http_counts.h"
#include "server/metrics/metric_page.h"

namespace aiflow::server {

/// What every server of an event log measures, with a scheduler beside it or not. All outlive what
/// reads them.
struct LogServerSources {
  std::string version;
  std::filesystem::path log_directory;
  const LogService& log;
  DiskWatch& disk;
  const api::CallCounts& calls;
  const HttpCounts& requests;
};

/// The log, the requests, the disk and the process.
void AddLogServer(const LogServerSources& sources, MetricPage& page);

/// 0 when it is not there.
double FileSize(const std::filesystem::path& path);

}  // namespace aiflow::server
