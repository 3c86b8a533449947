// Listening sockets: addresses as text, and one socket per loop on each.
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace godwit::server {

// Opens `count` listening sockets (non-blocking, SO_REUSEPORT among themselves) on "HOST:PORT":
// an IPv4 address, "[IPv6]", or "localhost" (127.0.0.1). Port 0 picks one for all. On success
// *bound is the address with the real port. The caller owns the descriptors.
Result<std::vector<int>> Listen(const std::string& address, int count, std::string* bound);

// The address alone, without its port: "127.0.0.1".
std::string PeerText(const sockaddr_storage& address);

}  // namespace godwit::server
