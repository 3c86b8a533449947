// Reactor: waits for sockets and runs what other threads post. The only door to Boost.Asio.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace godwit::server {

enum class Ready { kRead, kWrite };

// What is known of a socket when a wait begins.
enum class Left : uint8_t {
  kUnknown,  // There may be bytes, or room for bytes: then the wait ends at once.
  kNothing,  // The last call took all the bytes there were: more must arrive first. Such a wait is
             // cheaper, but may miss that the client's end arrived together with those bytes.
};

// Who is told about a socket. Called on the loop thread.
class SocketHandler {
 public:
  virtual ~SocketHandler() = default;
  virtual void OnReady(Ready ready) = 0;
  // A wait that was under way at Close ended. When no other is, the handler may destroy itself
  // and its socket.
  virtual void OnWaitCancelled() = 0;
};

// A descriptor known to the reactor. At most one wait of each kind is under way, and it
// must outlive them.
// Used on the loop thread only.
class WatchedSocket {
 public:
  virtual ~WatchedSocket() = default;  // Closes. REQUIRES: nothing is waited for.
  virtual int descriptor() const = 0;  // -1 after Close.
  // Asks for one OnReady, unless that was done already.
  virtual void Wait(Ready ready, Left left = Left::kUnknown) = 0;
  virtual bool waiting() const = 0;  // For any.
  // A wait under way ends in OnWaitCancelled, later.
  virtual void Close() = 0;
};

class Reactor {
 public:
  virtual ~Reactor() = default;

  // Takes the descriptor over, which must not block. nullptr (and closed) when it cannot be
  // watched. The handler must outlive the socket.
  virtual std::unique_ptr<WatchedSocket> Watch(int descriptor, SocketHandler& handler) = 0;

  // Runs work on the loop thread, soon. Thread-safe.
  virtual void Post(std::function<void()> work) = 0;

  // Calls tick on the loop thread about every period_ms from now on.
  virtual void StartTicking(int64_t period_ms, std::function<void()> tick) = 0;

  // Runs until Stop. Blocks.
  virtual void Run() = 0;
  virtual void Stop() = 0;  // Thread-safe.
};

std::unique_ptr<Reactor> NewReactor();

}  // namespace godwit::server
