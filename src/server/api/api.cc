#include "server/api/api.h"

#include "server/api/admin_routes.h"
#include "server/api/events_handler.h"
#include "server/api/identity_handlers.h"
#include "server/api/replies.h"
#include "server/api/status_handlers.h"

namespace godwit::server {
namespace {

constexpr uint64_t kJsonBodyMax = 256 << 10;

bool IsDownload(std::string_view segment) { return segment.ends_with(":download"); }

}  // namespace

Api::Api(ApiServices services)
    : services_(std::move(services)),
      device_(services_),
      blobs_(services_),
      models_(services_),
      storage_(services_),
      uploads_(services_),
      xml_objects_(services_) {}

bool Api::TryFast(const RequestHead& head, FastReply* reply) {
  if (DeviceHandler::Accepts(head)) return device_.TryFast(head, reply);
  if (BlobHandler::Accepts(head)) return blobs_.TryFast(head, reply);
  return false;
}

RoutePlan Api::Plan(const RequestHead& head) {
  if (UploadHandler::Streams(head) || XmlObjectHandler::Streams(head)) {
    // The store counts the object's bytes; the rest is for a multipart body's other parts.
    return {BodyPlan::kStreamed, services_.options.model_max_bytes + (1 << 20)};
  }
  return {BodyPlan::kBuffered, kJsonBodyMax};
}

Response Api::Handle(const Request& request) {
  const auto target = RequestTarget::Parse(request.head);
  if (target.ok()) return Route(request, *target);
  const bool storage =
      StorageHandler::Accepts(request.head) || UploadHandler::Accepts(request.head);
  return storage ? StorageErrorResponse(target.status()) : ErrorResponse(target.status());
}

Response Api::Route(const Request& request, const RequestTarget& target) {
  const RequestHead& head = request.head;
  const bool reads = head.method == Method::kGet || head.method == Method::kHead;
  if (XmlObjectHandler::AcceptsHost(head)) return *xml_objects_.Handle(request);
  if (head.path == "/healthz" && reads) return HandleHealth();
  if (head.path == "/readyz" && reads) return HandleReady(services_);
  if (head.path == "/metrics" && reads) return HandleMetrics(services_);
  if (BlobHandler::Accepts(head)) return blobs_.Handle(head);
  if ((head.path == "/token" || head.path == "/oauth2/v4/token") && head.method == Method::kPost) {
    return HandleTokenRequest(services_, request);
  }
  if (target.At(1) == "projects") {
    if (target.At(0) == "v1" && target.At(3) == "installations") {
      return HandleInstallationRequest(services_, request, target);
    }
    if (target.At(0) == "v1beta2") {
      const bool device = target.segments.size() == 5 && target.At(3) == "models" &&
                          IsDownload(target.At(4)) && reads;
      if (IsEventsRequest(target)) return HandleEventsRequest(services_, request, target);
      return device ? device_.Handle(head, target) : models_.Handle(request, target);
    }
  }
  if (auto response = HandleAdminRequest(services_, request, target)) return *std::move(response);
  if (UploadHandler::Accepts(head)) return uploads_.Handle(request, target);
  if (StorageHandler::Accepts(head)) return storage_.Handle(request, target);
  // Last, for "/bucket/object" may be like any of the above.
  if (auto response = xml_objects_.Handle(request)) return *std::move(response);
  return ErrorResponse(Status(StatusCode::kNotFound,
                              "there is nothing at this path; docs/reference/http-api.md lists "
                              "what there is"));
}

std::unique_ptr<BodyReceiver> Api::StartBody(const Request& request) {
  if (!UploadHandler::Streams(request.head)) return xml_objects_.Start(request.head);
  const auto target = RequestTarget::Parse(request.head);
  if (!target.ok()) return NewRefusingReceiver(StorageErrorResponse(target.status()));
  return uploads_.Start(request, *target);
}

}  // namespace godwit::server
