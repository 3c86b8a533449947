// Metrics as Prometheus reads them. The one door to the library that writes its text.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace godwit::server {

enum class MetricType { kCounter, kGauge };

// One named figure with its series. A value type.
struct Metric {
  struct Series {
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;
  };
  std::string name;  // "godwit_http_requests_total".
  std::string help;  // A sentence for a person.
  MetricType type = MetricType::kGauge;
  std::vector<Series> series;
};

// The text exposition format, version 0.0.4.
inline constexpr char kMetricsContentType[] = "text/plain; version=0.0.4; charset=utf-8";
std::string SerializeMetrics(const std::vector<Metric>& metrics);

}  // namespace godwit::server
