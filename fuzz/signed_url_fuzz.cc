// Signed URLs: whatever the query claims, one signature opens one request.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "server/storage/signed_url.h"
#include "server/storage/storage_uri.h"

namespace {

using godwit::server::SignedRequest;
using godwit::server::SignedUrl;

// Of the corpus's valid links.
constexpr char kPublicKey[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAx2wfgv8SlUrLrpj5Z9FZ\n"
    "fK0ksWlID03Xmdqgl4yRslrmAGaeM2fipqNoy8bipPd8qOLlufBq5L0biI0pKulC\n"
    "WDBHuS60/Zd/LAzTNb9eDBohmWfInoZszu4V4kLrUwmzUwk9ZdQ+HmeyAViYdo3g\n"
    "w3cijhZbSTxy620vuGELnp/EF3WqxmAD1l6M7zSV71L5vOJZBjzhT+W40zh8K+O7\n"
    "4izXuxOCsZrkyk3igyC6Mtq5pcSy4JqboqKmMullSc28iy2/pkxUAHo3V55PPqK2\n"
    "10/uTIlqpDPMFtMcimsKN6MVpzIl2FjD/GZgiSh2i5u3IAezSEZ93vdk+/WIJ+Fv\n"
    "VwIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

std::string_view TakeLine(std::string_view* text) {
  const size_t end = std::min(text->find('\n'), text->size());
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(std::min(text->size(), end + 1));
  return line;
}

}  // namespace

// METHOD, then a link, then headers: a line each.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const godwit::RsaKey* const key =
      new godwit::RsaKey(godwit::RsaKey::FromPublicPem(kPublicKey).value());
  std::string_view text(reinterpret_cast<const char*>(data), size);
  SignedRequest request;
  request.method = TakeLine(&text);
  std::string_view link = TakeLine(&text);
  link.remove_prefix(std::min(link.size(), link.find("://") + 3));
  const size_t question = std::min(link.find('?'), link.size());
  const size_t slash = std::min(link.find('/'), question);
  request.host = link.substr(0, slash);
  request.path = link.substr(slash, question - slash);
  request.bucket_of_host = godwit::server::BucketOfHost(request.host);
  std::vector<SignedRequest::Header> headers;
  while (!text.empty()) {
    const std::string_view line = TakeLine(&text);
    const size_t colon = std::min(line.find(':'), line.size());
    headers.push_back({line.substr(0, colon), line.substr(std::min(line.size(), colon + 1))});
  }
  request.headers = headers;
  const auto url = SignedUrl::Parse(link.substr(std::min(link.size(), question + 1)));
  if (!url.ok() || !url->has_value()) return 0;
  if ((*url)->email().empty()) std::abort();
  (void)(*url)->CheckTime(1'767'323'045'000);
  if (!(*url)->Verify(request, *key)) return 0;
  request.method = "PATCH";
  if ((*url)->Verify(request, *key)) std::abort();
  return 0;
}
