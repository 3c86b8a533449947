#include "server/http/request_parser.h"

#define BOOST_BEAST_USE_STD_STRING_VIEW
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <charconv>
#include <cstring>

#include "server/http/header_text.h"

namespace godwit::server {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

bool IsTokenByte(unsigned char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
         (c != 0 && kMarks.find(static_cast<char>(c)) != std::string_view::npos);
}

// Visible ASCII without what would end a host's name in an address.
constexpr auto kHostBytes = [] {
  std::array<bool, 256> bytes{};
  for (size_t c = 0x21; c < 0x7f; ++c) bytes[c] = true;
  for (const unsigned char c : std::string_view("/?#@\\\"<>,")) bytes[c] = false;
  return bytes;
}();

// Printable ASCII without the blank: all that a target may hold.
bool IsVisibleAscii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x21 || static_cast<unsigned char>(c) > 0x7e) return false;
  }
  return true;
}

bool IsAllDigits(std::string_view text) {
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return !text.empty();
}

std::optional<Method> MethodFromVerb(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return Method::kGet;
    case http::verb::head:
      return Method::kHead;
    case http::verb::post:
      return Method::kPost;
    case http::verb::put:
      return Method::kPut;
    case http::verb::patch:
      return Method::kPatch;
    case http::verb::delete_:
      return Method::kDelete;
    case http::verb::options:
      return Method::kOptions;
    default:
      return std::nullopt;
  }
}

// Whether the request line ends in HTTP/digit.digit: then the version is unknown, not broken.
bool NamesAnHttpVersion(std::string_view head) {
  const std::string_view line = head.substr(0, head.find('\r'));
  const size_t blank = line.rfind(' ');
  if (blank == std::string_view::npos) return false;
  const std::string_view version = line.substr(blank + 1);
  return version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.' &&
         IsAllDigits(version.substr(5, 1)) && IsAllDigits(version.substr(7, 1));
}

}  // namespace

// Beast's parser calls these while it reads; they only note what came.
class HeadParser::BeastHead final : public http::basic_parser<true> {
 public:
  explicit BeastHead(HeadParser& parser) : parser_(parser) {
    skip(true);  // The body's bytes are counted elsewhere.
    header_limit(UINT32_MAX);
  }

  http::verb verb = http::verb::unknown;
  int version = 11;
  size_t headers_count = 0;
  int host_count = 0;
  int length_count = 0;
  int encoding_count = 0;
  std::string_view length;
  std::string_view encoding;
  std::string_view expect;

 private:
  void on_request_impl(http::verb method, boost::beast::string_view,
                       boost::beast::string_view target, int http_version, error_code&) override {
    verb = method;
    version = http_version;
    parser_.parsed_.head.target = {target.data(), target.size()};
  }

  void on_field_impl(http::field field, boost::beast::string_view name,
                     boost::beast::string_view value, error_code& error) override {
    if (headers_count == kHeadersMax) {
      error = http::error::header_limit;
      return;
    }
    const std::string_view text{value.data(), value.size()};
    parser_.headers_[headers_count++] = {{name.data(), name.size()}, text};
    switch (field) {
      case http::field::host:
        ++host_count;
        parser_.parsed_.head.host = text;
        break;
      case http::field::content_length:
        ++length_count;
        length = text;
        break;
      case http::field::transfer_encoding:
        ++encoding_count;
        encoding = text;
        break;
      case http::field::expect:
        expect = text;
        break;
      default:
        break;
    }
  }

  void on_response_impl(int, boost::beast::string_view, int, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}
  size_t on_body_impl(boost::beast::string_view body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(uint64_t, boost::beast::string_view, error_code&) override {}
  size_t on_chunk_body_impl(uint64_t, boost::beast::string_view body, error_code&) override {
    return body.size();
  }
  void on_finish_impl(error_code&) override {}

  HeadParser& parser_;
};

ParseOutcome HeadParser::Refuse(int status, std::string_view message) {
  refusal_ = {status, message};
  return ParseOutcome::kRefused;
}

// Walks from line to line. Beast would wait for more on "CRLF LF" and would join folded lines,
// so both end here.
ParseOutcome HeadParser::FindEnd(std::string_view bytes, size_t* scanned, size_t* size_bytes) {
  const bool at_blank_line = bytes == "\r";
  if (!at_blank_line && !IsTokenByte(static_cast<unsigned char>(bytes.front()))) {
    return Refuse(400, bytes.front() == 0x16
                           ? "this port speaks HTTP without TLS: use an http:// address"
                           : "the request does not start with a method");
  }
  for (;;) {
    const size_t line_feed = bytes.find('\n', *scanned);
    if (line_feed == std::string_view::npos) {
      *scanned = bytes.size();
      break;
    }
    if (line_feed == 0 || bytes[line_feed - 1] != '\r') {
      return Refuse(400, "a line of the head ends in LF alone: end it in CRLF");
    }
    *scanned = line_feed;
    if (line_feed >= 2 && bytes[line_feed - 2] == '\n') {
      *size_bytes = line_feed + 1;
      if (*size_bytes > head_max_bytes_) break;
      return ParseOutcome::kComplete;
    }
    if (line_feed + 1 == bytes.size()) break;  // The next byte tells a folded line.
    if (bytes[line_feed + 1] == ' ' || bytes[line_feed + 1] == '\t') {
      return Refuse(400, "a header is folded over two lines: send it on one");
    }
    *scanned = line_feed + 1;
  }
  if (bytes.size() <= head_max_bytes_ && *size_bytes == 0) return ParseOutcome::kNeedMore;
  const size_t first_line_end = bytes.find('\n');
  return first_line_end >= head_max_bytes_
             ? Refuse(414, "the request line is longer than this server accepts")
             : Refuse(431, "the headers are larger than this server accepts");
}

ParseOutcome HeadParser::Parse(std::string_view bytes, size_t* scanned) {
  size_t size_bytes = 0;
  const ParseOutcome outcome = FindEnd(bytes, scanned, &size_bytes);
  if (outcome != ParseOutcome::kComplete) return outcome;

  parsed_ = ParsedHead();
  parsed_.size_bytes = size_bytes;
  const std::string_view text = bytes.substr(0, size_bytes);
  BeastHead beast(*this);
  error_code error;
  beast.put(boost::asio::const_buffer(text.data(), text.size()), error);
  if (error == http::error::header_limit) return Refuse(431, "the request has too many headers");
  if (error == http::error::bad_version && NamesAnHttpVersion(text)) {
    return Refuse(505, "this server speaks HTTP/1.0 and HTTP/1.1 only");
  }
  if (error == http::error::bad_content_length || error == http::error::multiple_content_length) {
    return Refuse(400, "the Content-Length is no number, or there is more than one length");
  }
  if (error == http::error::bad_transfer_encoding) {
    return Refuse(400, "the request gives its length twice or in two ways");
  }
  if (error || !beast.is_header_done()) return Refuse(400, "the request's head is malformed");

  const std::optional<Method> method = MethodFromVerb(beast.verb);
  if (!method) return Refuse(501, "this server does not know the request's method");
  parsed_.head.method = *method;
  parsed_.head.headers = {headers_.data(), beast.headers_count};
  parsed_.http_1_1 = beast.version == 11;
  parsed_.keep_alive = beast.keep_alive();
  refusal_ = CheckFraming(beast);
  if (refusal_.status == 0) refusal_ = CheckTarget();
  if (refusal_.status == 0) refusal_ = CheckHost(beast);
  return refusal_.status == 0 ? ParseOutcome::kComplete : ParseOutcome::kRefused;
}

// What two servers in a row could read in two ways is refused, so that no request can be
// smuggled behind another (RFC 9112, section 11.2).
Refusal HeadParser::CheckFraming(const BeastHead& beast) {
  if (beast.encoding_count > 0) {
    if (beast.length_count > 0) {
      return {400, "the request has both Transfer-Encoding and Content-Length"};
    }
    if (beast.encoding_count > 1) {
      return {400, "the request has two Transfer-Encoding headers"};
    }
    if (!parsed_.http_1_1) {
      return {400, "an HTTP/1.0 request has no Transfer-Encoding: send Content-Length"};
    }
    if (!EqualsIgnoringCase(beast.encoding, "chunked")) {
      return {501, "the only Transfer-Encoding known here is chunked"};
    }
    parsed_.head.chunked = true;
  }
  if (beast.length_count > 0) {
    uint64_t length = 0;
    const char* end = beast.length.data() + beast.length.size();
    if (beast.length_count > 1 || !IsAllDigits(beast.length) ||
        std::from_chars(beast.length.data(), end, length).ec != std::errc()) {
      return {400, "the Content-Length is no number, or there is more than one length"};
    }
    parsed_.head.content_length = length;
  }
  if (!beast.expect.empty() && parsed_.http_1_1) {
    if (!EqualsIgnoringCase(beast.expect, "100-continue")) {
      return {417, "the only expectation known here is 100-continue"};
    }
    parsed_.expects_continue = true;
  }
  return {};
}

Refusal HeadParser::CheckTarget() {
  RequestHead& head = parsed_.head;
  if (!IsVisibleAscii(head.target) || head.target.find('#') != std::string_view::npos) {
    return {400, "the target holds a byte that must be percent-encoded"};
  }
  std::string_view rest = head.target;
  const size_t scheme_end = rest.find("://");
  if (scheme_end != std::string_view::npos &&
      (EqualsIgnoringCase(rest.substr(0, scheme_end), "http") ||
       EqualsIgnoringCase(rest.substr(0, scheme_end), "https"))) {
    // The absolute form, as a proxy gets it: its host counts (RFC 9112, section 3.2.2).
    rest.remove_prefix(scheme_end + 3);
    const size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
    head.host = rest.substr(0, authority_end);
    rest.remove_prefix(authority_end);
    if (head.host.empty()) return {400, "the target's address has no host"};
    if (rest.empty()) rest = "/";
  } else if (rest != "*" || head.method != Method::kOptions) {
    if (!rest.starts_with('/')) return {400, "the target must start with '/'"};
  }
  const size_t question = rest.find('?');
  head.path = rest.substr(0, question);
  if (head.path.empty()) head.path = "/";
  if (question != std::string_view::npos) head.query = rest.substr(question + 1);
  return {};
}

Refusal HeadParser::CheckHost(const BeastHead& beast) {
  if (beast.host_count > 1) return {400, "the request has two Host headers"};
  if (beast.host_count == 0 && parsed_.http_1_1) {
    return {400, "an HTTP/1.1 request needs a Host header"};
  }
  for (const unsigned char c : parsed_.head.host) {
    if (!kHostBytes[c]) return {400, "the Host header is no host name"};
  }
  return {};
}

}  // namespace godwit::server
