// DeviceContext: what a device tells of itself and its app with every question for a model.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit {

// The request header that carries it to `:download`: "app_version=2.1.0;os=android;...".
inline constexpr std::string_view kContextHeader = "X-Godwit-Context";

// Of the header's value, of the fields in it, of a key and of a value before it is encoded.
inline constexpr size_t kContextMaxBytes = 1024;
inline constexpr size_t kContextFieldsMax = 32;
inline constexpr size_t kContextKeyMaxBytes = 32;
inline constexpr size_t kContextValueMaxBytes = 256;

// Keys that the device library fills in by itself; docs/reference/http-api.md lists them.
inline constexpr std::string_view kContextAppVersion = "app_version";
inline constexpr std::string_view kContextSdkVersion = "sdk_version";
inline constexpr std::string_view kContextOs = "os";
inline constexpr std::string_view kContextOsVersion = "os_version";
inline constexpr std::string_view kContextDevice = "device";
inline constexpr std::string_view kContextLocale = "locale";

// A value type; not thread-safe. Two with the same fields are equal, in whatever order these came.
class DeviceContext {
 public:
  struct Field {
    std::string key;
    std::string value;
    friend bool operator==(const Field&, const Field&) = default;
  };

  // Reads a header's value. kInvalidArgument when a field has not the form, comes twice, or
  // passes a limit. An empty text has no fields.
  static Result<DeviceContext> Parse(std::string_view header);

  // Sets or replaces a field; an empty value removes it. kInvalidArgument for a key that is not
  // 1 to 32 of a-z0-9_ with a letter first, or a value that is no printable UTF-8 or longer than
  // 256 bytes; kResourceExhausted when the whole would pass its limits. Then nothing changes.
  Status Set(std::string_view key, std::string_view value);

  // nullptr when there is none; as long as the context does not change.
  const std::string* Find(std::string_view key) const;
  // Ascending by key.
  const std::vector<Field>& fields() const { return fields_; }

  // The header's value, at most kContextMaxBytes; what RFC 3986 does not call unreserved is %XX.
  std::string Serialize() const;

  friend bool operator==(const DeviceContext&, const DeviceContext&) = default;

 private:
  std::vector<Field> fields_;
};

}  // namespace godwit
