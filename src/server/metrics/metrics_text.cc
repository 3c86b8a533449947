#include "server/metrics/metrics_text.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace godwit::server {

std::string SerializeMetrics(const std::vector<Metric>& metrics) {
  std::vector<prometheus::MetricFamily> families;
  families.reserve(metrics.size());
  for (const Metric& metric : metrics) {
    const bool counter = metric.type == MetricType::kCounter;
    prometheus::MetricFamily& family = families.emplace_back();
    family.name = metric.name;
    family.help = metric.help;
    family.type = counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
    for (const Metric::Series& series : metric.series) {
      prometheus::ClientMetric& sample = family.metric.emplace_back();
      for (const auto& [name, value] : series.labels) sample.label.push_back({name, value});
      (counter ? sample.counter.value : sample.gauge.value) = series.value;
    }
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace godwit::server
