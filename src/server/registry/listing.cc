#include "server/registry/listing.h"

#include <charconv>
#include <limits>
#include <optional>
#include <tuple>

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
  if (place.create_time_ms < 0) return wrong;
  return place;
}

bool IsBehind(const Model& model, const Place& place) {
  return RegistrySnapshot::ByAge::KeyOf(model) >
         std::tuple(model.project_number, -place.create_time_ms, std::string_view(place.id));
}

// The first model of the page: the one behind the place, or the project's newest.
ModelIndex<RegistrySnapshot::ByAge>::Iterator FirstOf(const RegistrySnapshot& snapshot,
                                                      int64_t project_number,
                                                      const std::optional<Place>& after) {
  const auto& models = snapshot.models();
  if (!after) {
    return models.LowerBound({project_number, std::numeric_limits<int64_t>::min(), ""});
  }
  auto first = models.LowerBound({project_number, -after->create_time_ms, after->id});
  if (first != models.end() && !IsBehind(**first, *after)) ++first;
  return first;
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
  if (const auto name = filter->ExactName()) {
    // At most one model passes, and the names' index knows it.
    const ModelPointer model = snapshot.FindByName(project_number, *name);
    const bool listed = model && filter->Matches(*model) && (!after || IsBehind(*model, *after));
    if (listed) page.models.push_back(model);
    return page;
  }
  const auto end = snapshot.models().end();
  for (auto place = FirstOf(snapshot, project_number, after); place != end; ++place) {
    const ModelPointer& model = *place;
    if (model->project_number != project_number) break;
    if (!filter->Matches(*model)) continue;
    if (page.models.size() == limit) {
      page.next_page_token = EncodeToken(*page.models.back());
      break;
    }
    page.models.push_back(model);
  }
  return page;
}

}  // namespace godwit::server
