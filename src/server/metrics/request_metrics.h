#pragma once

#include "api/grpc/call_counts.h"
#include "server/metrics/http_counts.h"
#include "server/metrics/metric_page.h"

namespace aiflow::server {

/// What was asked of the ports, by method and outcome.
void AddRequests(const api::CallCounts& calls, const HttpCounts& requests, MetricPage& page);

}  // namespace aiflow::server
