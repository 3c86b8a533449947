#include "server/api/client_identity.h"

namespace godwit::server {

ClientIdentity ReadClientIdentity(const RequestHead& head) {
  ClientIdentity client;
  client.android_package = head.Find("X-Android-Package");
  client.android_certificate = head.Find("X-Android-Cert");
  client.ios_bundle_id = head.Find("X-Ios-Bundle-Identifier");
  client.referrer = head.Find("Referer");
  // A page whose policy hides its address still says its origin.
  if (client.referrer.empty()) client.referrer = head.Find("Origin");
  return client;
}

}  // namespace godwit::server
