// ModelCall: an administrator's request about models, once it is known who sends it.
#pragma once

#include "server/access/access_types.h"
#include "server/api/request_target.h"
#include "server/http/message.h"

namespace godwit::server {

// Lives as long as the request.
struct ModelCall {
  const Request& request;
  const RequestTarget& target;
  Principal principal;
  std::string_view project;      // As in the path; answers repeat it.
  std::string_view request_key;  // LostReplies::KeyOf; empty for one that reads.
};

// pageSize (or page_size) of the query; 0 when there is none. kInvalidArgument outside 1 to 100.
Result<int> PageSize(const QueryParameters& query);

}  // namespace godwit::server
