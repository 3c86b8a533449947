#include "server/metrics/metrics_text.h"

#include <gtest/gtest.h>

namespace godwit::server {
namespace {

TEST(MetricsText, WritesHelpTypeLabelsAndValues) {
  const std::vector<Metric> metrics = {
      {"godwit_requests_total", "Requests.", MetricType::kCounter, {{{{"class", "2xx"}}, 3}}},
      {"godwit_open", "Open connections.", MetricType::kGauge, {{{}, 1.5}}}};
  EXPECT_EQ(SerializeMetrics(metrics),
            "# HELP godwit_requests_total Requests.\n"
            "# TYPE godwit_requests_total counter\n"
            "godwit_requests_total{class=\"2xx\"} 3\n"
            "# HELP godwit_open Open connections.\n"
            "# TYPE godwit_open gauge\n"
            "godwit_open 1.5\n");
}

}  // namespace
}  // namespace godwit::server
