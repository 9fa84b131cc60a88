#include "server/metrics/metric_page.h"

#include <gmock/gmock.h>

#include "server/metrics/process_use.h"
#include "server/metrics/strict_parser.h"

namespace aiflow::server {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(MetricPage, SamplesOfOneNameShareTheirHelp) {
  MetricPage page;
  page.Gauge("aiflow_a", "An a.", 1.5);
  page.Counter("aiflow_b_total", "Some b.", 7, {{"kind", "x"}});
  page.Counter("aiflow_b_total", "Some b.", 9'007'199'254'740'991, {{"kind", "y"}});
  EXPECT_THAT(ParseMetrics(page.Text()),
              ElementsAre(Pair("aiflow_a", 1.5), Pair("aiflow_b_total{kind=\"x\"}", 7),
                          Pair("aiflow_b_total{kind=\"y\"}", 9'007'199'254'740'991)));
}

TEST(MetricPage, AHistogramsBucketsAreCumulative) {
  DurationHistogram values;
  values.Observe(std::chrono::milliseconds(2));
  values.Observe(std::chrono::milliseconds(2));
  values.Observe(std::chrono::minutes(5));
  MetricPage page;
  page.Histogram("aiflow_c_seconds", "Of c.", values);
  auto samples = ParseMetrics(page.Text());
  EXPECT_EQ(samples.at("aiflow_c_seconds_bucket{le=\"0.001\"}"), 0);
  EXPECT_EQ(samples.at("aiflow_c_seconds_bucket{le=\"0.0025\"}"), 2);
  EXPECT_EQ(samples.at("aiflow_c_seconds_bucket{le=\"60\"}"), 2);
  EXPECT_EQ(samples.at("aiflow_c_seconds_bucket{le=\"+Inf\"}"), 3);
  EXPECT_EQ(samples.at("aiflow_c_seconds_count"), 3);
  EXPECT_NEAR(samples.at("aiflow_c_seconds_sum"), 300.004, 1e-6);
}

TEST(ProcessUse, IsOfThisProcess) {
  const ProcessUse use = ReadProcessUse();
  EXPECT_GT(use.resident_bytes, 100'000);
  EXPECT_GT(use.virtual_bytes, use.resident_bytes);
  EXPECT_GE(use.threads, 1);
  EXPECT_GE(use.open_files, 3);
  EXPECT_GT(use.start_seconds, 1e9);
}

}  // namespace
}  // namespace aiflow::server
