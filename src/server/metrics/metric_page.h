#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/duration_histogram.h"

namespace aiflow::server {

/// The values of samples.
inline double Number(int64_t value) { return static_cast<double>(value); }
inline double Number(uint64_t value) { return static_cast<double>(value); }
inline double Number(const std::atomic<int64_t>& value) {
  return Number(value.load(std::memory_order_relaxed));
}

/// One page of metrics in the text format of Prometheus. Samples of one name follow each other, and
/// each name has one kind and one help text. One thread at a time.
class MetricPage {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  MetricPage();
  ~MetricPage();

  /// A value that goes up and down.
  void Gauge(const std::string& name, const std::string& help, double value,
             const Labels& labels = {});
  /// A count since the server started, or longer; its name ends in `_total`.
  void Counter(const std::string& name, const std::string& help, double value,
               const Labels& labels = {});
  /// Durations in seconds; its name ends in `_seconds`.
  void Histogram(const std::string& name, const std::string& help, const DurationHistogram& values,
                 const Labels& labels = {});

  [[nodiscard]] std::string Text() const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace aiflow::server
