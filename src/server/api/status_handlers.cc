#include "server/api/status_handlers.h"

#include "server/api/replies.h"
#include "server/metrics/metrics_text.h"

namespace godwit::server {
namespace {

Metric Single(std::string name, std::string help, MetricType type, uint64_t value) {
  return {std::move(name), std::move(help), type, {{{}, static_cast<double>(value)}}};
}

Metric ResponsesByClass(const HttpServerStats& stats) {
  Metric metric{
      "godwit_http_responses_total", "Responses by class of status.", MetricType::kCounter, {}};
  for (int i = 2; i <= 5; ++i) {
    metric.series.push_back(
        {{{"class", std::to_string(i) + "xx"}}, static_cast<double>(stats.responses_by_class[i])});
  }
  return metric;
}

Metric ModelCounts(const RegistrySnapshot& registry) {
  double published = 0;
  double versions = 0;
  for (const ModelPointer& model : registry.models()) {
    published += model->published != 0 ? 1 : 0;
    versions += static_cast<double>(model->versions.size());
  }
  return {"godwit_registry_entries",
          "Models, published models and versions.",
          MetricType::kGauge,
          {{{{"kind", "model"}}, static_cast<double>(registry.models().size())},
           {{{"kind", "published_model"}}, published},
           {{{"kind", "version"}}, versions}}};
}

}  // namespace

Response HandleHealth() { return TextResponse(200, "ok\n"); }

Response HandleReady(const ApiServices& services) {
  const Status read = services.database.Read(
      [](SqlConnection& connection) { return connection.Query("SELECT 1").status(); });
  if (read.ok()) return TextResponse(200, "ready\n");
  services.logger.Error("not ready", {{"reason", read.message()}});
  return TextResponse(503, "the database does not answer\n");
}

Response HandleMetrics(const ApiServices& services) {
  const HttpServerStats stats = services.http_stats();
  const Sightings::Stats sightings = services.sightings.stats();
  constexpr MetricType kCounter = MetricType::kCounter;
  constexpr MetricType kGauge = MetricType::kGauge;
  const std::vector<Metric> metrics = {
      Single("godwit_http_connections_total", "Connections accepted.", kCounter,
             stats.connections_accepted),
      Single("godwit_http_connections_open", "Connections open now.", kGauge,
             stats.connections_open),
      Single("godwit_http_requests_total", "Requests read.", kCounter, stats.requests),
      ResponsesByClass(stats),
      Single("godwit_http_parse_errors_total", "Requests that were no HTTP.", kCounter,
             stats.parse_errors),
      Single("godwit_http_busy_total", "Requests refused because a queue or limit was full.",
             kCounter, stats.refused_busy),
      Single("godwit_http_sent_bytes_total", "Bytes sent.", kCounter, stats.bytes_sent),
      Single("godwit_http_received_bytes_total", "Bytes received.", kCounter, stats.bytes_received),
      Single("godwit_tls_handshakes_total", "TLS handshakes done.", kCounter, stats.tls_handshakes),
      Single("godwit_tls_handshake_failures_total", "TLS handshakes begun and broken off.",
             kCounter, stats.tls_handshake_failures),
      Single("godwit_http_worker_queue_length", "Requests that wait for a worker.", kGauge,
             stats.worker_queue_length),
      Single("godwit_sightings_written_total", "Devices' questions kept as last seen and held.",
             kCounter, sightings.written),
      Single("godwit_sightings_dropped_total", "Devices' questions not kept, for lack of room.",
             kCounter, sightings.dropped),
      ModelCounts(*services.registry.snapshot()),
  };
  return {200, {{"Content-Type", kMetricsContentType}}, SerializeMetrics(metrics)};
}

}  // namespace godwit::server
