#include "server/registry/listing.h"

#include <charconv>

#include "crypto/crypto.h"
#include "server/registry/filter.h"

namespace godwit::server {
namespace {

// The place of a model in the order: create time descending, then id ascending.
struct Place {
  int64_t create_time_ms = 0;
  std::string id;
};

std::string EncodeToken(const Model& model) {
  return Base64UrlEncode(AsBytes(std::to_string(model.create_time_ms) + ":" + model.id));
}

Result<Place> DecodeToken(std::string_view token) {
  constexpr size_t kTokenMax = 128;
  const Status wrong(StatusCode::kInvalidArgument,
                     "the page token is not one that this server gave out");
  if (token.size() > kTokenMax) return wrong;
  const auto text = Base64UrlDecode(token);
  if (!text.ok()) return wrong;
  const size_t colon = text->find(':');
  if (colon == std::string::npos || !IsModelId(text->substr(colon + 1))) return wrong;
  Place place{0, text->substr(colon + 1)};
  const char* end = text->data() + colon;
  if (std::from_chars(text->data(), end, place.create_time_ms).ptr != end) return wrong;
  return place;
}

bool IsBehind(const Model& model, const Place& place) {
  if (model.create_time_ms != place.create_time_ms) {
    return model.create_time_ms < place.create_time_ms;
  }
  return model.id > place.id;
}

}  // namespace

Result<ModelPage> ListModels(const RegistrySnapshot& snapshot, int64_t project_number,
                             std::string_view filter_text, int page_size,
                             std::string_view page_token) {
  if (page_size < 0 || page_size > kPageSizeMax) {
    return Status(StatusCode::kInvalidArgument,
                  "pageSize must be 1 to " + std::to_string(kPageSizeMax));
  }
  GODWIT_ASSIGN_OR_RETURN(const auto filter, Filter::Parse(filter_text));
  std::optional<Place> after;
  if (!page_token.empty()) {
    GODWIT_ASSIGN_OR_RETURN(after, DecodeToken(page_token));
  }
  const size_t limit = static_cast<size_t>(page_size == 0 ? kPageSizeMax : page_size);
  ModelPage page;
  for (const ModelPointer& model : snapshot.models()) {
    if (model->project_number != project_number || (after && !IsBehind(*model, *after)) ||
        !filter->Matches(*model)) {
      continue;
    }
    if (page.models.size() == limit) {
      page.next_page_token = EncodeToken(*page.models.back());
      break;
    }
    page.models.push_back(model);
  }
  return page;
}

}  // namespace godwit::server
