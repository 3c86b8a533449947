// Json: a parsed JSON value. The one door to the JSON library is json.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace godwit {

struct JsonLimits {
  size_t bytes_max = 4 << 20;
  size_t depth_max = 32;
};

// A value type. Objects keep the order of their members; a duplicate name keeps the last value.
class Json {
 public:
  enum class Kind { kNull, kBool, kInt, kDouble, kString, kArray, kObject };
  using Member = std::pair<std::string, Json>;

  Json() = default;
  Json(bool value);              // NOLINT: implicit, so that literals read like JSON
  Json(int value);               // NOLINT
  Json(int64_t value);           // NOLINT
  Json(uint64_t value);          // NOLINT: REQUIRES: fits int64_t
  Json(double value);            // NOLINT
  Json(std::string value);       // NOLINT
  Json(std::string_view value);  // NOLINT
  Json(const char* value);       // NOLINT
  static Json Array(std::vector<Json> items = {});
  static Json Object(std::vector<Member> members = {});

  // kInvalidArgument with line and column when the text is not one JSON value within limits.
  static Result<Json> Parse(std::string_view text, const JsonLimits& limits = {});

  // Compact when indent is 0. Strings must be UTF-8; invalid bytes become U+FFFD.
  std::string Serialize(int indent = 0) const;

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_object() const { return kind_ == Kind::kObject; }
  bool is_array() const { return kind_ == Kind::kArray; }

  // Lenient readers: the default when the value is absent or of another kind. AsInt also reads
  // a decimal string, as proto3 JSON writes int64.
  bool AsBool(bool fallback = false) const;
  int64_t AsInt(int64_t fallback = 0) const;
  double AsDouble(double fallback = 0) const;
  const std::string& AsString() const;  // Empty when not a string.
  const std::vector<Json>& items() const;
  const std::vector<Member>& members() const;

  // Null (a shared constant) when this is no object or has no such member.
  const Json& operator[](std::string_view name) const;
  const Json& operator[](const char* name) const { return (*this)[std::string_view(name)]; }
  bool Has(std::string_view name) const;
  // Sets *text to the member when it is a string, leaves it when it is absent or null.
  // kInvalidArgument, naming the member, when it is anything else.
  Status ReadString(std::string_view name, std::string* text) const;
  // Sets or adds a member; makes a null an object. Returns *this.
  Json& Set(std::string_view name, Json value);
  // Appends an item; makes a null an array. Returns *this.
  Json& Add(Json item);

  friend bool operator==(const Json&, const Json&) = default;

 private:
  Kind kind_ = Kind::kNull;
  bool bool_ = false;
  int64_t int_ = 0;
  double double_ = 0;
  std::string string_;
  std::vector<Json> items_;
  std::vector<Member> members_;
};

}  // namespace godwit
