// SocketModelServer: the tests' server in memory behind a real socket, one request a connection.
#pragma once

#include <poll.h>

#include <string>
#include <thread>

#include "proxy/socket.h"
#include "testing/fake_model_server.h"

namespace godwit::testing {

class SocketModelServer {
 public:
  // model_server is borrowed.
  explicit SocketModelServer(FakeModelServer& model_server)
      : model_server_(model_server),
        listener_(*ListenOn(ResolveAddress("127.0.0.1:0")->front())),
        thread_([this] { Serve(); }) {}
  ~SocketModelServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  std::string address() const { return LocalAddress(listener_); }

 private:
  void Serve() {
    for (;;) {
      pollfd polled = {listener_.get(), POLLIN, 0};
      ::poll(&polled, 1, -1);
      const Descriptor client = AcceptFrom(listener_);
      if (!client.is_open()) {
        if ((polled.revents & POLLHUP) != 0) return;
        continue;
      }
      Answer(client);
    }
  }

  void Answer(const Descriptor& client) {
    std::string text;
    HttpRequest request;
    while (!Parse(text, &request)) {
      char bytes[4096];
      pollfd polled = {client.get(), POLLIN, 0};
      ::poll(&polled, 1, -1);
      const ssize_t count = ::recv(client.get(), bytes, sizeof bytes, 0);
      if (count <= 0) return;
      text.append(bytes, static_cast<size_t>(count));
    }
    const ScriptedReply reply = model_server_.Answer(request);
    std::string answer = "HTTP/1.1 " + std::to_string(reply.status) + " Any\r\n";
    for (const HttpHeader& header : reply.headers) {
      if (header.name != "Content-Length") answer += header.name + ": " + header.value + "\r\n";
    }
    answer += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n" + reply.body;
    for (std::string_view left = answer; !left.empty();) {
      const ssize_t count = ::send(client.get(), left.data(), left.size(), MSG_NOSIGNAL);
      if (count > 0) left.remove_prefix(static_cast<size_t>(count));
      pollfd polled = {client.get(), POLLOUT, 0};
      if (count < 0 && (errno != EAGAIN || ::poll(&polled, 1, -1) < 0)) return;
    }
  }

  // False until all of it is there.
  static bool Parse(const std::string& text, HttpRequest* request) {
    const size_t head_end = text.find("\r\n\r\n");
    if (head_end == text.npos) return false;
    *request = HttpRequest();
    const size_t method_end = text.find(' ');
    const std::string path =
        text.substr(method_end + 1, text.find(' ', method_end + 1) - method_end - 1);
    request->method = text.substr(0, method_end);
    size_t body_size = 0;
    for (size_t at = text.find("\r\n") + 2; at < head_end;) {
      const size_t end = text.find("\r\n", at);
      const size_t colon = text.find(": ", at);
      request->headers.push_back(
          {text.substr(at, colon - at), text.substr(colon + 2, end - colon - 2)});
      at = end + 2;
    }
    if (const auto length = FindHeader(request->headers, "Content-Length")) {
      body_size = std::stoul(std::string(*length));
    }
    // The host that the device asked, so that links lead through whatever stands before us.
    request->url = "http://" + std::string(*FindHeader(request->headers, "Host")) + path;
    request->body = text.substr(head_end + 4);
    return request->body.size() >= body_size;
  }

  FakeModelServer& model_server_;
  Descriptor listener_;
  std::thread thread_;
};

}  // namespace godwit::testing
