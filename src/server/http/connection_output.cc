// The way back: responses onto the socket.
#include <sys/socket.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "server/http/connection.h"
#include "server/http/file_reply.h"
#include "server/http/response_head.h"

namespace godwit::server {
namespace {

// How long the rest of a refused request is read and dropped, so that the client gets to see
// the response instead of a reset.
constexpr int64_t kLingerMs = 3000;

char* Write(std::string_view text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

// The longest status line, Date, Connection and Content-Length together stay well below.
constexpr size_t kHeadStartMaxBytes = 256;

}  // namespace

// Status line, Date and, where the default does not hold, Connection.
char* Connection::WriteHeadStart(int status, char* out) {
  const int status_class = status >= 200 && status < 600 ? status / 100 : 5;
  loop_.mutable_counters().responses_by_class[status_class].Add(1);
  out = Write(StatusLine(status), out);
  out = Write(loop_.date_line(), out);
  if (close_after_) {
    out = Write("Connection: close\r\n", out);
  } else if (!http_1_1_) {
    out = Write("Connection: keep-alive\r\n", out);
  }
  return out;
}

// By the server itself. Where the next request starts is then unknown, so it is the last.
Connection::Next Connection::Refuse(int status, std::string_view message) {
  close_after_ = true;
  unread_body_ = true;
  return Respond(ErrorResponse(status, message));
}

Connection::Next Connection::Respond(Response response) {
  if (!HeadersAreSafe(response)) {
    loop_.context().logger.Error("a handler's headers break HTTP's rules: answered with 500");
    response = ErrorResponse(500, "the server met an error of its own: see its log");
  }
  close_after_ = close_after_ || response.close_connection || loop_.draining();
  std::string headers;
  for (const auto& [name, value] : response.headers) {
    headers.append(name).append(": ").append(value).append("\r\n");
  }
  if (auto* file = std::get_if<FileBody>(&response.body)) {
    RequestHead no_head;  // Only a request that was handed over can ask for a part.
    const bool asked = work_ && work_->exchange;
    const RequestHead head = asked ? work_->exchange->request().head : no_head;
    return RespondFile(head, response.status, headers, std::move(file->file), file->size_bytes,
                       file->etag);
  }
  auto& body = std::get<std::string>(response.body);
  char start[kHeadStartMaxBytes];
  std::string text(start, static_cast<size_t>(WriteHeadStart(response.status, start) - start));
  text += headers;
  if (StatusHasBody(response.status)) {
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  text += "\r\n";
  Output& output = work().output;
  output = Output();
  output.bytes = std::move(text);
  if (!is_head_ && StatusHasBody(response.status)) {
    output.more_owned = std::move(body);
    output.more_bytes = output.more_owned;
  }
  return ContinueOutput();
}

Connection::Next Connection::RespondFast(const RequestHead& head, FastReply& reply) {
  if (reply.file) {
    return RespondFile(head, reply.status, reply.after_date, std::move(reply.file),
                       reply.file_size_bytes, reply.file_etag);
  }
  std::string_view after_date = reply.after_date;
  if (is_head_ && !after_date.starts_with("\r\n")) {
    const size_t headers_end = after_date.find("\r\n\r\n");
    if (headers_end != std::string_view::npos) after_date = after_date.substr(0, headers_end + 4);
  } else if (is_head_) {
    after_date = after_date.substr(0, 2);
  }
  const std::span<char> buffer = loop_.write_buffer();
  char* end = WriteHeadStart(reply.status, buffer.data());
  const size_t start_size = static_cast<size_t>(end - buffer.data());
  if (start_size + after_date.size() <= buffer.size()) {
    end = Write(after_date, end);  // One copy costs less than a second segment.
    return SendNow({buffer.data(), static_cast<size_t>(end - buffer.data())});
  }
  Output& output = work().output;
  output = Output();
  output.bytes.assign(buffer.data(), start_size);
  output.more_bytes = after_date;
  output.owner = std::move(reply.owner);
  return ContinueOutput();
}

Connection::Next Connection::RespondFile(const RequestHead& head, int status,
                                         std::string_view extra_headers, std::shared_ptr<File> file,
                                         uint64_t size_bytes, std::string_view etag) {
  FileReply reply{status, 0, size_bytes};
  if (status == 200) reply = DecideFileReply(head, size_bytes, etag);
  const std::span<char> buffer = loop_.write_buffer();
  assert(kHeadStartMaxBytes + extra_headers.size() + kFileHeadersMaxBytes + etag.size() + 2 <=
         buffer.size());
  char* end = WriteHeadStart(reply.status, buffer.data());
  end = Write(extra_headers, end);
  end = WriteFileHeaders(reply, size_bytes, etag, end);
  end = Write("\r\n", end);
  Output rest;
  if (!is_head_ && reply.size_bytes > 0) {
    rest.file = std::move(file);
    rest.file_offset = reply.offset;
    rest.file_remaining = reply.size_bytes;
  }
  return SendNow({buffer.data(), static_cast<size_t>(end - buffer.data())}, std::move(rest));
}

bool Connection::SendContinue() {
  const std::string_view line = ContinueLine();
  size_t count = 0;
  if (tls_) return tls_->Write(line, &count) == TlsOutcome::kDone;
  return ::send(socket_->descriptor(), line.data(), line.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(line.size());
}

// The short way: nothing is allocated unless the socket's buffer is full.
Connection::Next Connection::SendNow(std::string_view bytes, Output rest) {
  if (tls_) return SendNowTls(bytes, std::move(rest));
  // MSG_MORE: the head travels in one segment with the file's first bytes.
  const int flags = MSG_NOSIGNAL | (rest.file_remaining > 0 ? MSG_MORE : 0);
  ssize_t sent = ::send(socket_->descriptor(), bytes.data(), bytes.size(), flags);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return Close();
  if (sent < 0) sent = 0;
  loop_.mutable_counters().bytes_sent.Add(static_cast<uint64_t>(sent));
  bytes.remove_prefix(static_cast<size_t>(sent));
  if (bytes.empty() && rest.file_remaining == 0) return FinishResponse();
  rest.bytes.assign(bytes);
  return Send(rest);
}

// output: the one of work_, or one that moves there when the socket's buffer is full.
Connection::Next Connection::Send(Output& output) {
  state_ = State::kWriting;
  uint64_t sent = 0;
  const std::span<char> scratch = loop_.write_buffer();
  const SendOutcome outcome =
      tls_ ? output.SendTls(*tls_, scratch, &sent)
           : output.Send(socket_->descriptor(), std::as_writable_bytes(scratch), &sent);
  loop_.mutable_counters().bytes_sent.Add(sent);
  if ((outcome == SendOutcome::kYield || outcome == SendOutcome::kBlocked) &&
      &output != &work().output) {
    work_->output = std::move(output);
  }
  switch (outcome) {
    case SendOutcome::kDone:
      return FinishResponse();
    case SendOutcome::kFailed:
      return Close();
    case SendOutcome::kYield:
      SetDeadline(loop_.context().options.transfer_stall_ms);
      YieldTurn();
      return Next::kStop;
    case SendOutcome::kBlocked:
      // A client that reads a byte now and then keeps its connection; one that reads none
      // loses it.
      if (sent > 0 || !socket_->waiting()) SetDeadline(loop_.context().options.transfer_stall_ms);
      socket_->Wait(Ready::kWrite);
      return Next::kStop;
  }
  return Next::kStop;
}

Connection::Next Connection::FinishResponse() {
  if (work_) {
    work_->output = Output();
    // A busy one's response is still to come: what was sent is a refusal.
    if (work_->exchange && !work_->exchange->worker_busy) {
      work_->exchange->ResponseWasSent();
      ReleaseExchange();
    }
  }
  state_ = State::kHead;
  if (!close_after_ && !loop_.draining()) return Next::kGoOn;
  if (!unread_body_) return Close();
  if (tls_) tls_->Shutdown();
  ::shutdown(socket_->descriptor(), SHUT_WR);
  state_ = State::kLingering;
  SetDeadline(kLingerMs);
  socket_->Wait(Ready::kRead);
  return Next::kStop;
}

}  // namespace godwit::server
