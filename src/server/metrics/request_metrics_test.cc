#include "server/metrics/request_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/metrics/strict_parser.h"

namespace aiflow::server {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string PageOf(const api::CallCounts& calls, const HttpCounts& requests) {
  MetricPage page;
  AddRequests(calls, requests, page);
  return page.Text();
}

TEST(RequestMetricsTest, CallsAreCountedByServiceMethodAndCode) {
  api::CallCounts calls;
  api::MethodCounts& list = calls.Of("/aiflow.v1.Orchestrator/ListPools", /*streams=*/false);
  list.Ended(0);
  list.Ended(0);
  list.Ended(5);
  list.Ended(77);  // no code of gRPC
  list.seconds.Observe(std::chrono::milliseconds(2));
  const auto values = ParseMetrics(PageOf(calls, {}));
  const std::string method = "service=\"aiflow.v1.Orchestrator\",method=\"ListPools\"";
  const std::string total = "aiflow_grpc_requests_total{" + method + ",code=";
  EXPECT_EQ(values.at(total + "\"OK\"}"), 2);
  EXPECT_EQ(values.at(total + "\"NOT_FOUND\"}"), 1);
  EXPECT_EQ(values.at(total + "\"UNKNOWN\"}"), 1);
  EXPECT_EQ(values.count(total + "\"UNAVAILABLE\"}"), 0) << "only what there was";
  EXPECT_EQ(values.at("aiflow_grpc_request_seconds_count{" + method + "}"), 1);
  EXPECT_EQ(values.at("aiflow_grpc_request_seconds_bucket{" + method + ",le=\"0.0025\"}"), 1);
}

TEST(RequestMetricsTest, StreamsHaveAGaugeAndNoDuration) {
  api::CallCounts calls;
  api::MethodCounts& subscribe = calls.OfItself("/aiflow.v1.EventLog/Subscribe", /*streams=*/true);
  subscribe.open = 3;
  const std::string text = PageOf(calls, {});
  const auto values = ParseMetrics(text);
  const std::string method = "service=\"aiflow.v1.EventLog\",method=\"Subscribe\"";
  EXPECT_EQ(values.at("aiflow_grpc_streams{" + method + "}"), 3);
  EXPECT_EQ(values.at("aiflow_grpc_requests_total{" + method + ",code=\"OK\"}"), 0)
      << "one that counts itself is there from the beginning";
  EXPECT_THAT(text, Not(HasSubstr("aiflow_grpc_request_seconds")));
}

TEST(RequestMetricsTest, AMethodThatWasNeverCalledIsNotListed) {
  api::CallCounts calls;
  calls.Of("/aiflow.v1.Orchestrator/ListPools", /*streams=*/false);
  EXPECT_THAT(PageOf(calls, {}), Not(HasSubstr("ListPools")));
}

TEST(RequestMetricsTest, HttpRequestsAreCountedByRouteAndStatus) {
  HttpCounts requests;
  requests.Add("GET", "/api/v1/executions/{execution_id}", 200);
  requests.Add("GET", "/api/v1/executions/{execution_id}", 404);
  requests.Add("GET", "/api/v1/executions/{execution_id}", 404);
  const auto values = ParseMetrics(PageOf({}, requests));
  const std::string route =
      "aiflow_http_requests_total{method=\"GET\",route=\"/api/v1/executions/{execution_id}\",code=";
  EXPECT_EQ(values.at(route + "\"200\"}"), 1);
  EXPECT_EQ(values.at(route + "\"404\"}"), 2);
}

}  // namespace
}  // namespace aiflow::server
