#include "server/metrics/metric_page.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>

#include "base/check.h"

namespace aiflow::server {

using prometheus::ClientMetric;
using prometheus::MetricType;

struct MetricPage::Rep {
  std::vector<prometheus::MetricFamily> families;

  ClientMetric& Add(const std::string& name, const std::string& help, MetricType type) {
    if (families.empty() || families.back().name != name) {
      families.push_back({.name = name, .help = help, .type = type, .metric = {}});
    }
    CHECK(families.back().type == type) << name << " is of two kinds";
    return families.back().metric.emplace_back();
  }
};

namespace {

void Label(ClientMetric& metric, const MetricPage::Labels& labels) {
  for (const auto& [name, value] : labels) metric.label.push_back({name, value});
}

}  // namespace

MetricPage::MetricPage() : rep_(std::make_unique<Rep>()) {}
MetricPage::~MetricPage() = default;

void MetricPage::Gauge(const std::string& name, const std::string& help, double value,
                       const Labels& labels) {
  ClientMetric& metric = rep_->Add(name, help, MetricType::Gauge);
  Label(metric, labels);
  metric.gauge.value = value;
}

void MetricPage::Counter(const std::string& name, const std::string& help, double value,
                         const Labels& labels) {
  CHECK(name.ends_with("_total")) << name;
  ClientMetric& metric = rep_->Add(name, help, MetricType::Counter);
  Label(metric, labels);
  metric.counter.value = value;
}

void MetricPage::Histogram(const std::string& name, const std::string& help,
                           const DurationHistogram& values, const Labels& labels) {
  CHECK(name.ends_with("_seconds")) << name;
  ClientMetric& metric = rep_->Add(name, help, MetricType::Histogram);
  Label(metric, labels);
  const DurationHistogram::Values read = values.Read();
  uint64_t sum = 0;
  for (size_t i = 0; i < read.counts.size(); ++i) {
    sum += static_cast<uint64_t>(read.counts[i]);
    const double bound = i < DurationHistogram::kBounds.size()
                             ? DurationHistogram::kBounds[i]
                             : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({.cumulative_count = sum, .upper_bound = bound});
  }
  metric.histogram.sample_count = sum;
  metric.histogram.sample_sum = read.sum_seconds;
}

std::string MetricPage::Text() const {
  return prometheus::TextSerializer().Serialize(rep_->families);
}

}  // namespace aiflow::server
