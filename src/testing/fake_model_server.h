// FakeModelServer: the device's side of a godwit server in memory, honest until told to fail.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "protocol/event_messages.h"
#include "testing/scripted_http_client.h"

namespace godwit::testing {

// Thread-safe. Serves any project, and models by name; links never expire by themselves.
class FakeModelServer {
 public:
  enum class Route { kInstall, kToken, kCheck, kBlob, kEvents };

  // Changes an honest reply into a dishonest or broken one.
  using Fault = std::function<void(const HttpRequest&, ScriptedReply&)>;

  // clock gives expireTime and must outlive this.
  explicit FakeModelServer(const Clock& clock) : clock_(clock) {}

  void Publish(const std::string& name, const std::string& bytes);
  void Unpublish(const std::string& name);

  // The published version must not be used any more, and there is no other.
  void Revoke(const std::string& name);
  // The published version comes with golden inputs.
  void AttachGolden(const std::string& name, const std::string& bytes);

  // The next request of this route gets the fault; several queue up.
  void FailNext(Route route, Fault fault);

  // Every token given out so far is refused from now on.
  void RevokeTokens();
  // Every refresh token, too: the installations are gone.
  void ForgetInstallations();

  ScriptedReply Answer(const HttpRequest& request);
  ScriptedHttpClient::Handler handler() {
    return [this](const HttpRequest& request) { return Answer(request); };
  }

  // One line for each request: "install", "token", "check", "check HASH-PREFIX", "blob", "events",
  // "blob bytes=10-".
  std::vector<std::string> log() const;

  // Of the batches that were taken, each once.
  std::vector<EventRow> events() const;

  // How many bytes of files the answers held, before faults cut them.
  uint64_t blob_bytes_sent() const;

 private:
  ScriptedReply Install(const HttpRequest& request);
  ScriptedReply Token(const HttpRequest& request);
  ScriptedReply Check(const HttpRequest& request);
  ScriptedReply Blob(const HttpRequest& request);
  ScriptedReply Events(const HttpRequest& request);

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> hash_by_name_;
  std::map<std::string, std::string> bytes_by_hash_;
  std::set<std::string> revoked_;  // Names.
  std::map<std::string, std::string> golden_hash_by_name_;
  std::map<Route, std::deque<Fault>> faults_;
  int token_count_ = 0;
  int first_valid_token_ = 1;
  int first_valid_refresh_token_ = 1;
  std::vector<std::string> log_;
  uint64_t blob_bytes_sent_ = 0;
  int64_t last_sequence_ = 0;
  std::vector<EventRow> events_;
};

// Faults for FailNext.
FakeModelServer::Fault CutAfter(size_t bytes);
FakeModelServer::Fault StallAfter(size_t bytes);
FakeModelServer::Fault NoAnswer(StatusCode code);
FakeModelServer::Fault AnswerWith(int status, std::vector<HttpHeader> headers = {});
FakeModelServer::Fault FlipByte(size_t index);

}  // namespace godwit::testing
