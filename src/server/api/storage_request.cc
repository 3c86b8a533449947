#include "server/api/storage_request.h"

#include <algorithm>

#include "server/api/authentication.h"
#include "server/api/replies.h"
#include "server/storage/storage_uri.h"

namespace godwit::server {

Result<StoragePath> ParseStoragePath(const RequestTarget& target) {
  const std::vector<std::string>& segments = target.segments;
  size_t at = 0;
  StoragePath path;
  const auto skip_version = [&] {
    if (target.At(at) == "storage" && target.At(at + 1) == "v1") at += 2;
  };
  skip_version();
  path.upload = target.At(at) == "upload";
  path.download = target.At(at) == "download";
  if (path.upload || path.download) ++at;
  skip_version();
  if (target.At(at) != "b") return NoSuchMethod();
  path.bucket = target.At(at + 1);
  path.objects = target.At(at + 2) == "o";
  path.object_name = path.objects ? target.At(at + 3) : "";
  const size_t actions = path.objects ? at + 4 : at + 2;
  if (segments.size() > actions) {
    path.actions.assign(segments.begin() + static_cast<ptrdiff_t>(actions), segments.end());
  }
  return path;
}

Result<int64_t> AuthorizeStorage(const ApiServices& services, const RequestHead& head) {
  if (services.options.storage_emulator && head.Find("Authorization").empty()) {
    // Emulator clients send no credentials; only loopback reaches this.
    return services.access.snapshot()->projects().front().number;
  }
  GODWIT_ASSIGN_OR_RETURN(const Principal principal, Authenticate(services, head));
  GODWIT_RETURN_IF_ERROR(RequireRole(principal, RoleFor(head.method)));
  return principal.project_number;
}

std::string StorageOrigin(const ApiServices& services, const RequestHead& head) {
  const std::string host(head.host);
  // Whatever led the request here, a client that calls it so speaks TLS to that name.
  if (IsGoogleStorageHost(host)) return "https://" + host;
  const std::string public_url = services.access.snapshot()->public_url();
  const std::vector<std::string>& hosts = services.options.storage_hosts;
  const bool known = std::find(hosts.begin(), hosts.end(), host) != hosts.end();
  // Behind a proxy that speaks TLS only the public URL knows the scheme.
  if (!known || public_url.ends_with("://" + host)) return public_url;
  return (head.secure ? "https://" : "http://") + host;
}

Status NoAccessLists() {
  return Status(StatusCode::kInvalidArgument,
                "this server keeps no access lists: a bucket's objects are open to its project's "
                "accounts, and to who has a signed URL; share a signed URL instead");
}

Status RefuseAccessLists(const QueryParameters& query) {
  for (const char* name : {"predefinedAcl", "destinationPredefinedAcl"}) {
    const std::string_view list = query.Get(name);
    if (list.starts_with("public") || list.starts_with("authenticated")) return NoAccessLists();
  }
  return Status::Ok();
}

}  // namespace godwit::server
