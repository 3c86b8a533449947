#include "protocol/json.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <unordered_map>

#include "base/utf8.h"

namespace godwit {
namespace {

namespace bj = boost::json;

// Builds our values straight from the parser's events: one pass, no second tree.
class Builder {
 public:
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

  Builder(Json& root, size_t values_max) : root_(root), values_left_(values_max) {}

  bool on_document_begin(bj::error_code&) { return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_object_begin(bj::error_code&) { return Open(Json::Kind::kObject); }
  bool on_object_end(std::size_t, bj::error_code& error) { return Close(error); }
  bool on_array_begin(bj::error_code&) { return Open(Json::Kind::kArray); }
  bool on_array_end(std::size_t, bj::error_code& error) { return Close(error); }
  bool on_key_part(bj::string_view part, std::size_t, bj::error_code&) { return Keep(part); }
  bool on_key(bj::string_view part, std::size_t, bj::error_code&) {
    text_.append(part.data(), part.size());
    frames_.back().name = std::move(text_);
    text_.clear();
    return true;
  }
  bool on_string_part(bj::string_view part, std::size_t, bj::error_code&) { return Keep(part); }
  bool on_string(bj::string_view part, std::size_t, bj::error_code& error) {
    text_.append(part.data(), part.size());
    const bool put = Put(Json(std::move(text_)), error);
    text_.clear();
    return put;
  }
  bool on_number_part(bj::string_view part, bj::error_code&) { return Keep(part); }
  bool on_int64(std::int64_t value, bj::string_view, bj::error_code& error) {
    text_.clear();
    return Put(Json(value), error);
  }
  bool on_uint64(std::uint64_t value, bj::string_view, bj::error_code& error) {
    text_.clear();
    const auto max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return Put(value <= max ? Json(value) : Json(static_cast<double>(value)), error);
  }
  // The parser's own value may be off by the last bit; read anew it is the nearest one, so that
  // what is written and read again stays the same.
  bool on_double(double value, bj::string_view part, bj::error_code& error) {
    text_.append(part.data(), part.size());
    double nearest = 0;
    const auto read = std::from_chars(text_.data(), text_.data() + text_.size(), nearest);
    if (read.ec == std::errc() && read.ptr == text_.data() + text_.size()) value = nearest;
    text_.clear();
    if (std::isfinite(value)) return Put(Json(value), error);
    error = bj::error::exponent_overflow;
    return false;
  }
  bool on_bool(bool value, bj::error_code& error) { return Put(Json(value), error); }
  bool on_null(bj::error_code& error) { return Put(Json(), error); }
  bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  bool on_comment(bj::string_view, bj::error_code&) { return true; }

 private:
  struct Frame {
    Json::Kind kind;
    std::string name;  // Of the member that comes next, in an object.
    std::vector<Json> items;
    std::vector<Json::Member> members;
  };

  bool Keep(bj::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool Open(Json::Kind kind) {
    frames_.push_back({kind, {}, {}, {}});
    return true;
  }
  bool Close(bj::error_code& error) {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    if (frame.kind == Json::Kind::kArray) return Put(Json::Array(std::move(frame.items)), error);
    KeepLastOfEachName(frame.members);
    return Put(Json::Object(std::move(frame.members)), error);
  }
  bool Put(Json value, bj::error_code& error) {
    if (values_left_ == 0) {
      error = bj::error::array_too_large;
      return false;
    }
    --values_left_;
    if (frames_.empty()) {
      root_ = std::move(value);
    } else if (Frame& frame = frames_.back(); frame.kind == Json::Kind::kObject) {
      frame.members.emplace_back(std::move(frame.name), std::move(value));
    } else {
      frame.items.push_back(std::move(value));
    }
    return true;
  }

  // By a table, since a hostile object may have as many members as its size allows.
  static void KeepLastOfEachName(std::vector<Json::Member>& members) {
    std::unordered_map<std::string_view, size_t> last;
    last.reserve(members.size());
    for (size_t i = 0; i < members.size(); ++i) last[members[i].first] = i;
    if (last.size() == members.size()) return;
    std::vector<bool> kept(members.size());
    for (const auto& [name, index] : last) kept[index] = true;
    std::vector<Json::Member> unique;
    unique.reserve(last.size());
    for (size_t i = 0; i < members.size(); ++i) {
      if (kept[i]) unique.push_back(std::move(members[i]));
    }
    members = std::move(unique);
  }

  Json& root_;
  size_t values_left_;
  std::vector<Frame> frames_;
  std::string text_;
};

Status ErrorAt(std::string_view text, size_t offset, std::string_view reason) {
  offset = std::min(offset, text.size());
  const std::string_view before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  return Status(StatusCode::kInvalidArgument, "not valid JSON: " + std::string(reason) +
                                                  " at line " + std::to_string(line) + ", column " +
                                                  std::to_string(offset - line_start + 1) +
                                                  "; correct the text and send it again");
}

void WriteString(std::string_view text, std::string& out) {
  out += '"';
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (const size_t length = Utf8SequenceLength(text.substr(i)); length != 1) {
      out += length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(i, length);
      i += std::max<size_t>(length, 1);
      continue;
    }
    ++i;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          char escape[8];
          std::snprintf(escape, sizeof escape, "\\u%04x", c);
          out += escape;
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void WriteDouble(double value, std::string& out) {
  if (!std::isfinite(value)) {  // JSON has no word for them.
    out += "null";
    return;
  }
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
  // A double stays a double when it is read again.
  if (std::string_view(text, static_cast<size_t>(end - text)).find_first_of(".e") ==
      std::string_view::npos) {
    out += ".0";
  }
}

struct Writer {
  std::string& out;
  int indent;

  void NewLine(int depth) {
    if (indent == 0) return;
    out += '\n';
    out.append(static_cast<size_t>(indent * depth), ' ');
  }

  void Write(const Json& value, int depth) {
    switch (value.kind()) {
      case Json::Kind::kNull:
        out += "null";
        break;
      case Json::Kind::kBool:
        out += value.AsBool() ? "true" : "false";
        break;
      case Json::Kind::kInt:
        out += std::to_string(value.AsInt());
        break;
      case Json::Kind::kDouble:
        WriteDouble(value.AsDouble(), out);
        break;
      case Json::Kind::kString:
        WriteString(value.AsString(), out);
        break;
      case Json::Kind::kArray:
        WriteArray(value, depth);
        break;
      case Json::Kind::kObject:
        WriteObject(value, depth);
        break;
    }
  }

  void WriteArray(const Json& value, int depth) {
    out += '[';
    for (size_t i = 0; i < value.items().size(); ++i) {
      if (i > 0) out += ',';
      NewLine(depth + 1);
      Write(value.items()[i], depth + 1);
    }
    if (!value.items().empty()) NewLine(depth);
    out += ']';
  }

  void WriteObject(const Json& value, int depth) {
    out += '{';
    for (size_t i = 0; i < value.members().size(); ++i) {
      if (i > 0) out += ',';
      NewLine(depth + 1);
      WriteString(value.members()[i].first, out);
      out += indent == 0 ? ":" : ": ";
      Write(value.members()[i].second, depth + 1);
    }
    if (!value.members().empty()) NewLine(depth);
    out += '}';
  }
};

// A value takes some 60 times the memory of the shortest text for it, so a text of nothing else
// must not become a tree that fills the machine.
size_t ValuesMax(const JsonLimits& limits) {
  return std::max<size_t>(10'000, limits.bytes_max / 16);
}

}  // namespace

Result<Json> Json::Parse(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes_max) {
    return Status(StatusCode::kInvalidArgument,
                  "JSON of " + std::to_string(text.size()) + " bytes is over the limit of " +
                      std::to_string(limits.bytes_max) + "; send less at once");
  }
  Json root;
  bj::parse_options options;
  options.max_depth = limits.depth_max;
  bj::basic_parser<Builder> parser(options, root, ValuesMax(limits));
  bj::error_code error;
  const size_t read = parser.write_some(false, text.data(), text.size(), error);
  if (error) {
    std::string reason = error.message();
    if (error == bj::error::too_deep) {
      reason = "nested deeper than " + std::to_string(limits.depth_max) + " levels";
    } else if (error == bj::error::array_too_large) {
      reason = "more than " + std::to_string(ValuesMax(limits)) + " values";
    }
    return ErrorAt(text, read, reason);
  }
  const size_t rest = text.find_first_not_of(" \t\r\n", read);
  if (rest != text.npos) return ErrorAt(text, rest, "text after the value");
  return root;
}

std::string Json::Serialize(int indent) const {
  std::string out;
  Writer{out, indent}.Write(*this, 0);
  return out;
}

}  // namespace godwit
