// Sends tests/http_corpus to a real nginx and to ours: both must draw the same lines between
// requests and refuse the same ones, but for the differences listed below with their reasons.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "server/http/test_server.h"

namespace godwit::server {
namespace {

using testing::RawClient;
using testing::TestServer;

// An nginx of its own on a unix socket in a folder of its own.
class Nginx {
 public:
  Nginx() {
    char folder[] = "/tmp/godwit_nginx_XXXXXX";
    if (::mkdtemp(folder) == nullptr) std::abort();
    folder_ = folder;
    std::filesystem::create_directory(folder_ + "/temporary");
    std::ofstream(folder_ + "/nginx.conf")
        << "daemon off; master_process off; pid pid; error_log /dev/null;\n"
           "events { worker_connections 64; }\n"
           "http { access_log off; large_client_header_buffers 4 16k;\n"
           "  client_body_temp_path temporary; proxy_temp_path temporary;\n"
           "  fastcgi_temp_path temporary; uwsgi_temp_path temporary; scgi_temp_path temporary;\n"
           "  server { listen unix:"
        << folder_ << "/socket;\n    location / { return 200 ok; } } }\n";
    process_ = ::fork();
    if (process_ == 0) {
      const std::string prefix = folder_ + "/";
      ::execlp("nginx", "nginx", "-p", prefix.c_str(), "-c", "nginx.conf", "-e", "/dev/null",
               nullptr);
      ::execl("/usr/sbin/nginx", "nginx", "-p", prefix.c_str(), "-c", "nginx.conf", "-e",
              "/dev/null", nullptr);
      ::_exit(127);
    }
  }

  ~Nginx() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }

  std::string address() const { return "unix:" + folder_ + "/socket"; }

  // False when it ended, for instance because nginx is not installed.
  bool AwaitStart() const {
    while (::waitpid(process_, nullptr, WNOHANG) == 0) {
      if (RawClient(address()).connected()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

 private:
  std::string folder_;
  pid_t process_ = -1;
};

// "2 ok, refused": how many requests were accepted, and how it ended.
std::string Judgement(const std::string& address, const std::string& bytes) {
  RawClient client(address);
  client.Send(bytes);
  client.ShutdownWrite();
  int accepted = 0;
  for (;;) {
    const RawClient::Reply reply = client.Read(/*is_head=*/false);
    if (reply.status == 0) return std::to_string(accepted) + " ok";
    if (reply.status == 100) continue;
    const bool refused = reply.status >= 400 && reply.status != 404 && reply.status != 405;
    if (refused) return std::to_string(accepted) + " ok, refused";
    ++accepted;
  }
}

struct Difference {
  const char* name;
  const char* ours;
  const char* nginx;
  const char* reason;
};

constexpr const char* kRefused = "0 ok, refused";

constexpr Difference kDifferences[] = {
    {"absolute_form_ftp", kRefused, "1 ok", "only http and https addresses are known here"},
    {"asterisk_options", "1 ok", kRefused, "RFC 9112, 3.2.4 allows it"},
    {"bare_cr_line_end", "0 ok", kRefused,
     "no line ends, so ours waits for one until the head's time is over"},
    {"chunk_end_lf", kRefused, "1 ok",
     "a chunk ends in CRLF: leniency here is how requests are smuggled"},
    {"chunk_extension_lf", kRefused, "2 ok", "as chunk_end_lf"},
    {"chunk_extension_long", kRefused, "1 ok", "a line of a chunked body has a limit"},
    {"chunk_extension_nul", kRefused, "2 ok", "an extension is text"},
    {"chunk_line_lf", kRefused, "1 ok", "as chunk_end_lf"},
    {"chunk_size_blank", kRefused, "1 ok", "as chunk_end_lf"},
    {"chunk_size_tab", kRefused, "2 ok", "as chunk_end_lf"},
    {"chunk_trailer_lf", kRefused, "2 ok", "as crlf_lf_end"},
    {"chunk_trailer_long", kRefused, "1 ok", "as chunk_extension_long"},
    {"connection_no_list", kRefused, "1 ok", "the Connection header must be a list of tokens"},
    {"control_in_value", kRefused, "1 ok", "RFC 9110, 5.5 forbids it in a value"},
    {"crlf_lf_end", kRefused, "1 ok",
     "lines end in CRLF; a bare LF is read in two ways by two servers"},
    {"cut_in_body", "0 ok", "1 ok", "nginx answers before the body came; ours wants it whole"},
    {"cut_in_chunk", "0 ok", "1 ok", "as cut_in_body"},
    {"encoding_bare_lf", kRefused, "2 ok", "as crlf_lf_end"},
    {"encoding_tab_value", "2 ok", kRefused, "RFC 9110, 5.5: a tab before a value is a blank"},
    {"expect_list", kRefused, "1 ok", "as expect_unknown"},
    {"expect_unknown", kRefused, "1 ok",
     "RFC 9110, 10.1.1: an unknown expectation is answered with 417"},
    {"header_before_blank_line_lf", kRefused, "2 ok", "as crlf_lf_end"},
    {"high_byte_in_name", kRefused, "1 ok", "a header's name is a token"},
    {"host_at", kRefused, "1 ok", "a host has no user"},
    {"host_comma", kRefused, "1 ok", "two hosts in one header are two hosts"},
    {"host_empty", "1 ok", kRefused, "RFC 9112, 3.2 allows it where the address has no host"},
    {"host_high_byte", kRefused, "1 ok", "a host is ASCII"},
    {"leading_lf", kRefused, "1 ok", "as crlf_lf_end"},
    {"lf_in_headers", kRefused, "1 ok", "as crlf_lf_end"},
    {"lf_only", kRefused, "1 ok", "as crlf_lf_end"},
    {"many_headers", kRefused, "1 ok", "100 headers are the limit"},
    {"method_trace", kRefused, "1 ok",
     "ours serves seven methods and answers 501 to others; this nginx any"},
    {"method_unknown", kRefused, "1 ok", "as method_trace"},
    {"no_colon", kRefused, "1 ok", "a header has a colon; nginx ignores such a line"},
    {"target_dot_segments", "1 ok", kRefused,
     "no path is resolved here: \"..\" is a segment like any other"},
    {"target_fragment", kRefused, "1 ok", "RFC 9112, 3.2: a target has no fragment"},
    {"target_high_byte", kRefused, "1 ok", "a target is ASCII, the rest percent-encoded"},
    {"two_blanks", kRefused, "1 ok", "RFC 9112, 3: one blank between the words"},
    {"version_http12", kRefused, "1 ok", "1.0 and 1.1 are all versions there are"},
    {"version_long", kRefused, "1 ok", "as version_http12"},
    {"version_missing", kRefused, "0 ok", "nginx answers as HTTP/0.9, without a head"},
    {"version_trailing_blank", kRefused, "1 ok", "as two_blanks"},
};

TEST(HttpServer, JudgesRequestsAsNginxDoesButForTheListedOnes) {
  Nginx nginx;
  ASSERT_TRUE(nginx.AwaitStart()) << "nginx does not start: scripts/setup --test installs it";
  TestServer server;
  std::map<std::string, const Difference*> expected;
  for (const Difference& difference : kDifferences) expected[difference.name] = &difference;
  int compared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GODWIT_HTTP_CORPUS)) {
    const std::string name = entry.path().stem();
    SCOPED_TRACE(name);
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const std::string ours = Judgement(server.address(), bytes);
    const std::string theirs = Judgement(nginx.address(), bytes);
    ++compared;
    if (const auto found = expected.find(name); found != expected.end()) {
      EXPECT_EQ(ours, found->second->ours) << found->second->reason;
      EXPECT_EQ(theirs, found->second->nginx) << found->second->reason;
      expected.erase(found);
    } else {
      EXPECT_EQ(ours, theirs);
    }
  }
  EXPECT_GT(compared, 200);
  for (const auto& [name, difference] : expected) ADD_FAILURE() << name << " is not in the corpus";
}

}  // namespace
}  // namespace godwit::server
