#include "capi_testing/memory_server.h"

#include "digest/digest.h"
#include "http/range.h"
#include "protocol/error_body.h"
#include "protocol/installation_messages.h"
#include "protocol/model_messages.h"

namespace godwit {
namespace {

constexpr int64_t kLinkLifetimeMs = 3'600'000;
constexpr int64_t kTokenLifetimeS = 604'800;

HttpResponse Refuse(const Status& status) {
  HttpResponse response;
  response.status = HttpStatusFromCode(status.code());
  response.body = SerializeErrorBody(status);
  return response;
}

HttpResponse Accept(std::string body) {
  HttpResponse response;
  response.status = 200;
  response.body = std::move(body);
  return response;
}

Result<HttpResponse> Register(const HttpRequest& request) {
  GODWIT_ASSIGN_OR_RETURN(const auto wish, ParseCreateInstallationRequest(request.body));
  return Accept(SerializeCreateInstallationReply(
      {"projects/1/installations/" + wish.fid, wish.fid, "refresh", {"token", kTokenLifetimeS}}));
}

}  // namespace

void MemoryServer::SetModel(const std::string& address, std::string bytes, uint64_t version) {
  const std::string hash = DigestOf(bytes).ToHex();
  const std::lock_guard lock(mutex_);
  offers_[address] = {std::move(bytes), hash, version};
}

void MemoryServer::RemoveModel(const std::string& address) {
  const std::lock_guard lock(mutex_);
  offers_.erase(address);
}

void MemoryServer::FailNext(Status failure) {
  const std::lock_guard lock(mutex_);
  failures_.push_back(std::move(failure));
}

void MemoryServer::SetOffline(bool offline) {
  const std::lock_guard lock(mutex_);
  offline_ = offline;
}

uint64_t MemoryServer::request_count() const {
  const std::lock_guard lock(mutex_);
  return request_count_;
}

Result<HttpResponse> MemoryServer::Check(const HttpRequest& request) {
  ++request_count_;
  if (!failures_.empty()) {
    const Status failure = failures_.front();
    failures_.pop_front();
    if (failure.code() != StatusCode::kUnavailable &&
        failure.code() != StatusCode::kDeadlineExceeded) {
      return failure;
    }
    // The client would try these again by itself: a long pause asked for makes it the app's turn.
    HttpResponse busy = Refuse(failure);
    busy.headers.push_back({"Retry-After", "3600"});
    return busy;
  }
  const size_t start = request.url.find("/models/") + 8;
  const auto offer = offers_.find(request.url.substr(start, request.url.rfind(':') - start));
  if (offer == offers_.end()) {
    return Refuse(Status(StatusCode::kNotFound,
                         "the test's server has no such model; add it by "
                         "godwit_testing_set_model()"));
  }
  HttpResponse response;
  response.status = 304;
  if (FindHeader(request.headers, "If-None-Match") != offer->second.hash) {
    DownloadReply reply;
    reply.download_uri =
        request.url.substr(0, request.url.find('/', 8)) + "/blobs/sha256/" + offer->second.hash;
    reply.expire_time_ms = clock_.NowMs() + kLinkLifetimeMs;
    reply.size_bytes = offer->second.bytes.size();
    reply.model_version = offer->second.version;
    response = Accept(SerializeDownloadReply(reply));
  }
  response.headers.push_back({"ETag", offer->second.hash});
  return response;
}

Result<HttpResponse> MemoryServer::File(const HttpRequest& request) const {
  const std::string hash = request.url.substr(request.url.rfind('/') + 1);
  for (const auto& [address, offer] : offers_) {
    if (offer.hash != hash) continue;
    HttpResponse response = Accept(offer.bytes);
    const auto decision =
        DecideRange(FindHeader(request.headers, "Range").value_or(""), offer.bytes.size());
    if (decision.outcome == RangeOutcome::kPart) {
      response.status = 206;
      response.body = offer.bytes.substr(decision.range.first, decision.range.size_bytes());
      response.headers.push_back(
          {"Content-Range", FormatContentRange(decision.range, offer.bytes.size())});
    }
    return response;
  }
  return Refuse(Status(StatusCode::kNotFound, "the test's server has this file no more"));
}

Result<HttpResponse> MemoryServer::Send(const HttpRequest& request, HttpSink* sink,
                                        const std::atomic<bool>* cancelled) {
  if (cancelled != nullptr && *cancelled) {
    return Status(StatusCode::kCancelled, "cancelled by the caller");
  }
  Result<HttpResponse> response =
      Status(StatusCode::kNoNetworkConnection, "the test's client is offline");
  {
    const std::lock_guard lock(mutex_);
    const bool asks = request.url.ends_with(":download");
    if (offline_) {
      if (asks) ++request_count_;
    } else if (asks) {
      response = Check(request);
    } else if (request.url.ends_with("/installations")) {
      response = Register(request);
    } else if (request.url.ends_with("/authTokens:generate")) {
      response = Accept(SerializeInstallationToken({"token", kTokenLifetimeS}));
    } else if (request.method == "GET") {
      response = File(request);
    } else {
      response = Accept("{}");  // What the client tells, nobody keeps.
    }
  }
  if (!response.ok() || sink == nullptr) return response;
  const std::string body = std::exchange(response->body, "");
  GODWIT_RETURN_IF_ERROR(sink->OnResponse(*response));
  GODWIT_RETURN_IF_ERROR(sink->OnData(std::as_bytes(std::span(body))));
  return response;
}

}  // namespace godwit
