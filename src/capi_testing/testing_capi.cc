// The C face of MemoryServer.
#include "capi/handles.h"
#include "capi_testing/memory_server.h"
#include "godwit/testing.h"
#include "protocol/model_address.h"

namespace godwit {
namespace {

Status Missing(const char* what) {
  return Status(StatusCode::kInvalidArgument,
                std::string(what) + " is NULL, so nothing was done; pass one");
}

// nullptr: a client of the app's own.
MemoryServer* ServerOf(const godwit_client* client) {
  return client == nullptr ? nullptr : dynamic_cast<MemoryServer*>(client->http.get());
}

Status Foreign() {
  return Status(StatusCode::kInvalidArgument,
                "the client was not made by godwit_testing_client_create(), so nothing was done");
}

Status Create(const char* directory, godwit_client** out) {
  if (directory == nullptr) return Missing("directory");
  auto client = std::make_unique<godwit_client>();
  client->file_system = NewPosixFileSystem();
  client->clock = NewSystemClock();
  client->http = std::make_unique<MemoryServer>(*client->clock);
  client->logger = std::make_unique<NullLogger>();
  ClientOptions options;
  options.server_url = "http://godwit.test";
  options.project_id = "testing";
  options.app_id = "1:1:testing:1";
  options.api_key = "testing";
  options.directory = directory;
  GODWIT_ASSIGN_OR_RETURN(
      client->client, Client::Open(options, {*client->file_system, *client->http, *client->clock,
                                             *client->logger}));
  *out = client.release();
  return Status::Ok();
}

}  // namespace
}  // namespace godwit

using godwit::capi::Report;

godwit_status godwit_testing_client_create(const char* directory, godwit_client** out,
                                           godwit_error* error) {
  if (out == nullptr) return Report(godwit::Missing("out"), error);
  *out = nullptr;
  return Report(godwit::Create(directory, out), error);
}

godwit_status godwit_testing_set_model(godwit_client* client, const char* address,
                                       const void* bytes, size_t size_bytes, uint64_t version,
                                       godwit_error* error) {
  godwit::MemoryServer* const server = godwit::ServerOf(client);
  if (server == nullptr) return Report(godwit::Foreign(), error);
  if (address == nullptr) return Report(godwit::Missing("address"), error);
  const auto parsed = godwit::ModelAddress::Parse(address);
  if (!parsed.ok()) return Report(parsed.status(), error);
  if (bytes == nullptr) {
    server->RemoveModel(address);
  } else {
    server->SetModel(address, std::string(static_cast<const char*>(bytes), size_bytes), version);
  }
  return Report(godwit::Status::Ok(), error);
}

godwit_status godwit_testing_fail_next(godwit_client* client, godwit_status status,
                                       const char* message, godwit_error* error) {
  godwit::MemoryServer* const server = godwit::ServerOf(client);
  if (server == nullptr) return Report(godwit::Foreign(), error);
  if (status == GODWIT_OK) {
    return Report(godwit::Status(godwit::StatusCode::kInvalidArgument,
                                 "GODWIT_OK is no failure, so nothing was done"),
                  error);
  }
  server->FailNext(godwit::Status(static_cast<godwit::StatusCode>(status),
                                  message == nullptr ? "the test wants it so" : message));
  return Report(godwit::Status::Ok(), error);
}

godwit_status godwit_testing_set_offline(godwit_client* client, int offline, godwit_error* error) {
  godwit::MemoryServer* const server = godwit::ServerOf(client);
  if (server == nullptr) return Report(godwit::Foreign(), error);
  server->SetOffline(offline != 0);
  return Report(godwit::Status::Ok(), error);
}

uint64_t godwit_testing_request_count(const godwit_client* client) {
  const godwit::MemoryServer* const server = godwit::ServerOf(client);
  return server == nullptr ? 0 : server->request_count();
}
