#include "server/metrics/request_metrics.h"

#include <string>
#include <vector>

namespace aiflow::server {
namespace {

void AddEnded(const api::MethodCounts& method, MetricPage& page) {
  const bool none = method.total() == 0;
  for (size_t code = 0; code < method.ended.size(); ++code) {
    const double count = Number(method.ended.at(code));
    // Of a method that was not called yet, the name at least.
    if (count == 0 && !(none && code == 0)) continue;
    page.Counter("aiflow_grpc_requests_total", "Calls of gRPC that have ended.", count,
                 {{"service", method.service},
                  {"method", method.method},
                  {"code", std::string(api::CallCodeName(code))}});
  }
}

}  // namespace

void AddRequests(const api::CallCounts& calls, const HttpCounts& requests, MetricPage& page) {
  const std::vector<const api::MethodCounts*> methods = calls.Methods();
  for (const api::MethodCounts* method : methods) AddEnded(*method, page);
  for (const api::MethodCounts* method : methods) {
    if (method->streams) continue;
    page.Histogram("aiflow_grpc_request_seconds", "Duration of calls of gRPC without streams.",
                   method->seconds, {{"service", method->service}, {"method", method->method}});
  }
  for (const api::MethodCounts* method : methods) {
    if (!method->streams) continue;
    page.Gauge("aiflow_grpc_streams", "Streams of gRPC that are open.", Number(method->open),
               {{"service", method->service}, {"method", method->method}});
  }
  for (const auto& [key, count] : requests.Read()) {
    page.Counter(
        "aiflow_http_requests_total", "Requests that the HTTP port has answered.",
        static_cast<double>(count),
        {{"method", key.method}, {"route", key.route}, {"code", std::to_string(key.status)}});
  }
}

}  // namespace aiflow::server
