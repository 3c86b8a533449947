#include <cassert>
#include <charconv>
#include <limits>

#include "protocol/json.h"

namespace godwit {

Json::Json(bool value) : kind_(Kind::kBool), bool_(value) {}
Json::Json(int value) : kind_(Kind::kInt), int_(value) {}
Json::Json(int64_t value) : kind_(Kind::kInt), int_(value) {}
Json::Json(uint64_t value) : kind_(Kind::kInt), int_(static_cast<int64_t>(value)) {
  assert(value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
}
Json::Json(double value) : kind_(Kind::kDouble), double_(value) {}
Json::Json(std::string value) : kind_(Kind::kString), string_(std::move(value)) {}
Json::Json(std::string_view value) : kind_(Kind::kString), string_(value) {}
Json::Json(const char* value) : kind_(Kind::kString), string_(value) {}

Json Json::Array(std::vector<Json> items) {
  Json array;
  array.kind_ = Kind::kArray;
  array.items_ = std::move(items);
  return array;
}

Json Json::Object(std::vector<Member> members) {
  Json object;
  object.kind_ = Kind::kObject;
  object.members_ = std::move(members);
  return object;
}

bool Json::AsBool(bool fallback) const { return kind_ == Kind::kBool ? bool_ : fallback; }

int64_t Json::AsInt(int64_t fallback) const {
  if (kind_ == Kind::kInt) return int_;
  if (kind_ != Kind::kString) return fallback;
  int64_t value = 0;
  const char* end = string_.data() + string_.size();
  const auto [rest, error] = std::from_chars(string_.data(), end, value);
  return error == std::errc() && rest == end ? value : fallback;
}

double Json::AsDouble(double fallback) const {
  if (kind_ == Kind::kDouble) return double_;
  return kind_ == Kind::kInt ? static_cast<double>(int_) : fallback;
}

const std::string& Json::AsString() const { return string_; }
const std::vector<Json>& Json::items() const { return items_; }
const std::vector<Json::Member>& Json::members() const { return members_; }

const Json& Json::operator[](std::string_view name) const {
  static const Json kNull;
  // From the back: the last of several members of one name counts.
  for (auto member = members_.rbegin(); member != members_.rend(); ++member) {
    if (member->first == name) return member->second;
  }
  return kNull;
}

bool Json::Has(std::string_view name) const {
  for (const Member& member : members_) {
    if (member.first == name) return true;
  }
  return false;
}

Status Json::ReadString(std::string_view name, std::string* text) const {
  const Json& member = (*this)[name];
  if (member.is_string()) *text = member.AsString();
  if (member.is_string() || member.is_null()) return Status::Ok();
  return Status(StatusCode::kInvalidArgument, std::string(name) + " must be a text");
}

Json& Json::Set(std::string_view name, Json value) {
  assert(is_null() || is_object());
  kind_ = Kind::kObject;
  for (Member& member : members_) {
    if (member.first != name) continue;
    member.second = std::move(value);
    return *this;
  }
  members_.emplace_back(name, std::move(value));
  return *this;
}

Json& Json::Add(Json item) {
  assert(is_null() || is_array());
  kind_ = Kind::kArray;
  items_.push_back(std::move(item));
  return *this;
}

}  // namespace godwit
