// What a request says about the app that sends it.
#pragma once

#include "server/access/key_restrictions.h"
#include "server/http/message.h"

namespace godwit::server {

// Views into the head. Allocates nothing.
ClientIdentity ReadClientIdentity(const RequestHead& head);

}  // namespace godwit::server
