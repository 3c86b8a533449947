// What operators and their tools ask: is it alive, can it serve, how is it doing.
#pragma once

#include "server/api/services.h"

namespace godwit::server {

// 200 "ok" while the process answers.
Response HandleHealth();
// 200 "ready" when the database answers, else 503. Blocks on the disk.
Response HandleReady(const ApiServices& services);
// Prometheus text.
Response HandleMetrics(const ApiServices& services);

}  // namespace godwit::server
