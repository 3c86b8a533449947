// What the calls on projects, apps, keys and accounts have in common: pages, masks, operations.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/api/request_target.h"
#include "server/api/services.h"

namespace godwit::server {

struct Page {
  int size = 0;
  std::string_view after;  // The last name of the page before.
};

// pageSize (or page_size) and pageToken; more than 100 is 100. kInvalidArgument for what is no
// number or negative.
Result<Page> ReadPage(const QueryParameters& query);

// The body, an object; empty counts as {}.
Result<Json> ReadObject(const Request& request);

// The paths in updateMask (or update_mask), in camelCase; empty without a mask. kInvalidArgument
// for a path that is not among `known`.
Result<std::vector<std::string>> ReadMask(const QueryParameters& query,
                                          const std::vector<std::string_view>& known);

// A done operation; `kind` and `id` name it, so that GetOperation finds its outcome again. type:
// of the response, as in "type.googleapis.com/google.api.apikeys.v2.Key".
Response DoneOperation(std::string_view kind, std::string_view id, std::string_view type,
                       Json response);
// What deleted: its outcome is {}.
Response DoneDeletion();
// The operation's name behind "operations/", split; false when it is of another form.
bool SplitOperationName(std::string_view name, std::string_view* kind, std::string_view* id);

}  // namespace godwit::server
