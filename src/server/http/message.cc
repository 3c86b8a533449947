#include "server/http/message.h"

#include "server/http/header_text.h"

namespace godwit::server {

std::string_view RequestHead::Find(std::string_view name) const {
  for (const Header& header : headers) {
    if (EqualsIgnoringCase(header.name, name)) return header.value;
  }
  return {};
}

}  // namespace godwit::server
