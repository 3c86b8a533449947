// Connection: one client's socket and where its request stands.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "server/http/event_loop.h"
#include "server/http/exchange.h"
#include "server/http/output.h"

namespace godwit::server {

// Lives on its loop's thread; the workers only see its Exchange. Answers requests in order: the
// next one is parsed when the response before it has left.
class Connection final : public SocketHandler {
 public:
  Connection(EventLoop& loop, const std::string& peer) : loop_(loop), peer_(peer) {}

  // Takes the socket over; false (and closed) when it cannot be watched.
  bool Open(int descriptor, Transport transport);

  int64_t deadline_ms() const { return deadline_ms_; }
  // Each of these may destroy the connection.
  void OnDeadline();
  void OnTick();
  void OnDrain();  // Closes when idle; else the response under way is the last.
  void Abandon();  // Closes whatever it is doing.
  void OnReady(Ready ready) override;
  void OnWaitCancelled() override;

 private:
  friend class EventLoop;  // Links the connections.

  enum class State : uint8_t {
    kHandshake,  // Of TLS.
    kHead,       // Idle, or a part of a head is here.
    kBody,       // Receiving the body of exchange.
    kWorker,     // The whole request is with a worker.
    kWriting,    // A response is being sent.
    kLingering,  // The response is out; what the client still sends is dropped.
    kClosed,     // Waits for a wait's or a worker's end to be destroyed.
  };
  // What exists only while something is under way, so that an idle connection stays small.
  struct Work {
    std::string unread;  // Bytes that came behind what was parsed.
    size_t scanned = 0;  // Of a head that is not whole yet.
    Output output;
    std::shared_ptr<Exchange> exchange;
  };
  enum class Next {
    kGoOn,  // There may be more in the bytes at hand.
    kStop,  // Something is waited for.
    kGone,  // Closed, and perhaps destroyed: touch nothing.
  };

  // Reading.
  void ReadSome();
  void TakeReceived(size_t kept, size_t count);
  void Process(std::string_view bytes);
  Next ProcessHead(std::string_view* bytes);
  Next ProcessBody(std::string_view* bytes);
  Next AnswerHead(const ParsedHead& parsed);
  Next StartExchange(const ParsedHead& parsed);
  Next WaitForBody();
  void YieldTurn();
  void ResumeUnread();
  void DropInput();

  // Workers.
  Next SubmitWhole();
  bool SubmitChunk(bool is_first);
  Next PumpBody();
  void OnWorkerDone(std::optional<Response> response);
  void ReleaseExchange();

  // TLS.
  void ReadSomeTls();
  void OnTlsEnd();
  Next SendNowTls(std::string_view bytes, Output rest);

  // Writing.
  Next Refuse(int status, std::string_view message);
  Next Respond(Response response);
  Next RespondFast(const RequestHead& head, FastReply& reply);
  Next RespondFile(const RequestHead& head, int status, std::string_view extra_headers,
                   std::shared_ptr<File> file, uint64_t size_bytes, std::string_view etag);
  bool SendContinue();
  Next SendNow(std::string_view bytes, Output rest = {});
  Next ContinueOutput() { return Send(work_->output); }
  Next Send(Output& output);
  Next FinishResponse();
  char* WriteHeadStart(int status, char* out);

  Work& work();
  void SetDeadline(int64_t timeout_ms) {
    deadline_ms_ = loop_.now_ms() + timeout_ms + loop_.tick_ms();
  }
  void NoDeadline() { deadline_ms_ = INT64_MAX; }
  Next Close();  // kGone.
  void DestroyIfDone();

  EventLoop& loop_;
  Connection* previous_ = nullptr;
  Connection* next_ = nullptr;
  std::unique_ptr<WatchedSocket> socket_;
  std::unique_ptr<TlsStream> tls_;  // nullptr: plain. Dies before its socket.
  std::unique_ptr<Work> work_;
  int64_t deadline_ms_ = 0;
  std::string peer_;
  State state_ = State::kHead;
  Left left_ = Left::kUnknown;  // By the last recv.
  bool head_started_ = false;   // A part of a head is here, and its time runs.
  // Of the request under way:
  bool close_after_ = false;
  bool http_1_1_ = true;
  bool is_head_ = false;
  bool unread_body_ = false;  // The client may still be sending: linger before closing.
  bool posted_ = false;       // A turn of its own is queued.
};

}  // namespace godwit::server
