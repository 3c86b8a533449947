#include "testing/fake_model_server.h"

#include "digest/digest.h"
#include "http/range.h"
#include "protocol/error_body.h"
#include "protocol/installation_messages.h"
#include "protocol/model_messages.h"

namespace godwit::testing {
namespace {

std::string Header(const HttpRequest& request, std::string_view name) {
  return std::string(FindHeader(request.headers, name).value_or(""));
}

ScriptedReply Refuse(StatusCode code, const std::string& message) {
  ScriptedReply reply;
  reply.status = HttpStatusFromCode(code);
  reply.body = SerializeErrorBody(Status(code, message));
  return reply;
}

ScriptedReply Answered(std::string body) {
  ScriptedReply reply;
  reply.body = std::move(body);
  return reply;
}

// Of "https://models.test" in an address.
size_t OriginSize(const std::string& url) { return url.find('/', url.find("://") + 3); }

// The number in "token-7"; 0 for anything else.
int NumberOf(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) ? std::stoi(std::string(text.substr(prefix.size()))) : 0;
}

}  // namespace

void FakeModelServer::Publish(const std::string& name, const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  const std::string hash = DigestOf(bytes).ToHex();
  hash_by_name_[name] = hash;
  bytes_by_hash_[hash] = bytes;
}

void FakeModelServer::Revoke(const std::string& name) {
  const std::lock_guard lock(mutex_);
  revoked_.insert(name);
}

void FakeModelServer::AttachGolden(const std::string& name, const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  const std::string hash = DigestOf(std::string_view(bytes)).ToHex();
  bytes_by_hash_[hash] = bytes;
  golden_hash_by_name_[name] = hash;
}

void FakeModelServer::Unpublish(const std::string& name) {
  const std::lock_guard lock(mutex_);
  hash_by_name_.erase(name);
}

void FakeModelServer::FailNext(Route route, Fault fault) {
  const std::lock_guard lock(mutex_);
  faults_[route].push_back(std::move(fault));
}

void FakeModelServer::RevokeTokens() {
  const std::lock_guard lock(mutex_);
  first_valid_token_ = token_count_ + 1;
}

void FakeModelServer::ForgetInstallations() {
  const std::lock_guard lock(mutex_);
  first_valid_token_ = first_valid_refresh_token_ = token_count_ + 1;
}

std::vector<std::string> FakeModelServer::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

std::vector<EventRow> FakeModelServer::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

uint64_t FakeModelServer::blob_bytes_sent() const {
  const std::lock_guard lock(mutex_);
  return blob_bytes_sent_;
}

ScriptedReply FakeModelServer::Answer(const HttpRequest& request) {
  const std::lock_guard lock(mutex_);
  const std::string_view path = std::string_view(request.url).substr(OriginSize(request.url));
  Route route = Route::kBlob;
  ScriptedReply reply;
  if (path.ends_with("/installations")) {
    route = Route::kInstall;
    reply = Install(request);
  } else if (path.ends_with("/authTokens:generate")) {
    route = Route::kToken;
    reply = Token(request);
  } else if (path.ends_with(":download")) {
    route = Route::kCheck;
    reply = Check(request);
  } else if (path.ends_with("/events:batch")) {
    route = Route::kEvents;
    reply = Events(request);
  } else {
    reply = Blob(request);
  }
  if (std::deque<Fault>& queue = faults_[route]; !queue.empty()) {
    queue.front()(request, reply);
    queue.pop_front();
  }
  return reply;
}

ScriptedReply FakeModelServer::Install(const HttpRequest& request) {
  log_.push_back("install");
  const auto wish = ParseCreateInstallationRequest(request.body);
  if (!wish.ok()) return Refuse(wish.status().code(), wish.status().message());
  const std::string number = std::to_string(++token_count_);
  return Answered(SerializeCreateInstallationReply({"projects/1/installations/" + wish->fid,
                                                    wish->fid,
                                                    "refresh-" + number,
                                                    {"token-" + number, 604800}}));
}

ScriptedReply FakeModelServer::Token(const HttpRequest& request) {
  log_.push_back("token");
  if (NumberOf(Header(request, "Authorization"), "FIS_v2 refresh-") < first_valid_refresh_token_) {
    return Refuse(StatusCode::kUnauthenticated, "no such installation");
  }
  return Answered(SerializeInstallationToken({"token-" + std::to_string(++token_count_), 604800}));
}

ScriptedReply FakeModelServer::Check(const HttpRequest& request) {
  const std::string held = Header(request, "If-None-Match");
  log_.push_back(held.empty() ? "check" : "check " + held.substr(0, 4));
  if (NumberOf(Header(request, kInstallationTokenHeader), "token-") < first_valid_token_) {
    return Refuse(StatusCode::kUnauthenticated, "token refused");
  }
  const size_t start = request.url.find("/models/") + 8;
  const auto model = hash_by_name_.find(request.url.substr(start, request.url.rfind(':') - start));
  if (model == hash_by_name_.end()) return Refuse(StatusCode::kNotFound, "no such model");
  if (revoked_.contains(model->first)) {
    ScriptedReply gone = Refuse(StatusCode::kNotFound, "revoked");
    gone.body = SerializeRevokedBody(Status(StatusCode::kNotFound, "revoked"), model->second);
    return gone;
  }
  ScriptedReply reply;
  reply.headers = {{"ETag", model->second}};
  if (held == model->second) {
    reply.status = 304;
    return reply;
  }
  DownloadReply download;
  download.download_uri =
      request.url.substr(0, OriginSize(request.url)) + "/blobs/sha256/" + model->second;
  download.expire_time_ms = clock_.NowMs() + 3'600'000;
  download.size_bytes = bytes_by_hash_[model->second].size();
  if (const auto golden = golden_hash_by_name_.find(model->first);
      golden != golden_hash_by_name_.end()) {
    download.golden = GoldenFile{
        request.url.substr(0, OriginSize(request.url)) + "/blobs/sha256/" + golden->second,
        golden->second, bytes_by_hash_[golden->second].size()};
  }
  reply.body = SerializeDownloadReply(download);
  return reply;
}

ScriptedReply FakeModelServer::Events(const HttpRequest& request) {
  log_.push_back("events");
  if (NumberOf(Header(request, kInstallationTokenHeader), "token-") < first_valid_token_) {
    return Refuse(StatusCode::kUnauthenticated, "token refused");
  }
  const auto batch = ParseEventBatch(request.body, DayOf(clock_.NowMs()));
  if (!batch.ok()) return Refuse(batch.status().code(), batch.status().message());
  if (batch->sequence > last_sequence_) {
    last_sequence_ = batch->sequence;
    events_.insert(events_.end(), batch->rows.begin(), batch->rows.end());
  }
  return Answered(SerializeEventReply({last_sequence_}));
}

ScriptedReply FakeModelServer::Blob(const HttpRequest& request) {
  const std::string range = Header(request, "Range");
  log_.push_back(range.empty() ? "blob" : "blob " + range);
  const std::string hash = request.url.substr(request.url.rfind('/') + 1);
  const auto bytes = bytes_by_hash_.find(hash);
  if (bytes == bytes_by_hash_.end()) return Refuse(StatusCode::kNotFound, "no such file");
  ScriptedReply reply;
  reply.body = bytes->second;
  const std::string etag = "\"" + hash + "\"";
  const std::string condition = Header(request, "If-Range");
  const bool use_range = condition.empty() || condition == etag;
  const RangeDecision decision = DecideRange(use_range ? range : "", bytes->second.size());
  if (decision.outcome == RangeOutcome::kUnsatisfiable) {
    return Refuse(StatusCode::kOutOfRange, "past the end");
  }
  if (decision.outcome == RangeOutcome::kPart) {
    reply.status = 206;
    reply.body = reply.body.substr(decision.range.first, decision.range.size_bytes());
    reply.headers.push_back(
        {"Content-Range", FormatContentRange(decision.range, bytes->second.size())});
  }
  reply.headers.push_back({"ETag", etag});
  reply.headers.push_back({"Content-Length", std::to_string(reply.body.size())});
  blob_bytes_sent_ += reply.body.size();
  return reply;
}

FakeModelServer::Fault CutAfter(size_t bytes) {
  return [bytes](const HttpRequest&, ScriptedReply& reply) { reply.cut_after_bytes = bytes; };
}

FakeModelServer::Fault StallAfter(size_t bytes) {
  return [bytes](const HttpRequest&, ScriptedReply& reply) { reply.stall_after_bytes = bytes; };
}

FakeModelServer::Fault NoAnswer(StatusCode code) {
  return [code](const HttpRequest&, ScriptedReply& reply) {
    reply.failure = Status(code, "no answer");
  };
}

FakeModelServer::Fault AnswerWith(int status, std::vector<HttpHeader> headers) {
  return [status, headers](const HttpRequest&, ScriptedReply& reply) {
    reply.status = status;
    reply.headers = headers;
    reply.body = "{}";
  };
}

FakeModelServer::Fault FlipByte(size_t index) {
  return [index](const HttpRequest&, ScriptedReply& reply) {
    if (index < reply.body.size()) reply.body[index] = static_cast<char>(~reply.body[index]);
  };
}

}  // namespace godwit::testing
