// A device and its server for tests: all in memory, with faults where a test wants them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "device/client.h"
#include "testing/fake_model_server.h"
#include "testing/fault_file_system.h"
#include "testing/manual_clock.h"
#include "testing/scripted_http_client.h"

namespace godwit::testing {

// A pattern without a short period, so that a wrong offset cannot pass.
inline std::string ModelBytes(size_t size, unsigned seed) {
  std::string bytes(size, '\0');
  unsigned state = seed * 2654435761u + 1;
  for (char& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

struct Device {
  ManualClock clock;
  FaultFileSystem disk{&clock};
  FakeModelServer server{clock};
  ScriptedHttpClient http{server.handler()};
  NullLogger logger;

  ClientOptions options() const {
    ClientOptions options;
    options.server_url = "http://models.test";
    options.project_id = "godwit";
    options.app_id = "1:1:linux:a";
    options.api_key = "AIzaTest";
    options.directory = "store";
    return options;
  }

  std::unique_ptr<Client> Open() {
    auto client = Client::Open(options(), {disk, http, clock, logger});
    EXPECT_TRUE(client.ok()) << client.status().ToString();
    return client.ok() ? *std::move(client) : nullptr;
  }

  std::string Read(const Model& model) {
    const auto bytes = ReadWholeFile(disk, model.path, 1 << 20);
    EXPECT_TRUE(bytes.ok()) << bytes.status().ToString();
    return bytes.ok() ? *bytes : "";
  }
};

}  // namespace godwit::testing
