// What the opaque handles of the C face hold.
#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "capi/errors.h"
#include "device/activation_gate.h"
#include "device/client.h"
#include "fs/file_system.h"
#include "godwit/client.h"
#include "godwit/model.h"
#include "http/http_client.h"
#include "platform/platform.h"

namespace godwit::capi {

// Hands log lines to the app.
class CallbackLogger final : public Logger {
 public:
  CallbackLogger(godwit_log_callback callback, void* user_data)
      : callback_(callback), user_data_(user_data) {}
  void Log(LogLevel level, std::string_view message,
           std::initializer_list<LogField> fields) override;

 private:
  const godwit_log_callback callback_;  // May be NULL.
  void* const user_data_;
};

}  // namespace godwit::capi

struct godwit_client {
  std::unique_ptr<godwit::FileSystem> file_system;
  std::unique_ptr<godwit::HttpClient> http;
  std::unique_ptr<godwit::Clock> clock;
  std::unique_ptr<godwit::Logger> logger;
  std::unique_ptr<godwit::ActivationGate> gate;
  std::unique_ptr<godwit::Platform> platform;
  std::unique_ptr<godwit::Client> client;  // Last: it uses the others until it is gone.
};

struct godwit_request {
  std::unique_ptr<godwit::ModelRequest> request;
};

struct godwit_model {
  godwit::Model model;
};

struct godwit_model_list {
  std::vector<godwit_model> models;
};
