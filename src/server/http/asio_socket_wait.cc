#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cassert>

#include "server/http/asio_socket.h"

namespace godwit::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
// The executor's own type: the type-erased default would cost 32 bytes a connection.
using Descriptor = asio::posix::basic_stream_descriptor<asio::io_context::executor_type>;

class AsioSocket final : public WatchedSocket {
 public:
  AsioSocket(asio::io_context& context, SocketHandler& handler)
      : handler_(handler), descriptor_(context.get_executor()) {}
  ~AsioSocket() override { assert(!waiting()); }

  bool Open(int descriptor) {
    error_code error;
    descriptor_.assign(descriptor, error);
    if (error) ::close(descriptor);
    return !error;
  }

  int descriptor() const override {
    return const_cast<Descriptor&>(descriptor_).native_handle();  // Asio's getter is not const.
  }

  // Asio looks at the socket anew each time, drained or not.
  void Wait(Ready ready, Left) override {
    if (waiting_[Index(ready)]) return;
    waiting_[Index(ready)] = true;
    if (ready == Ready::kRead) {
      descriptor_.async_wait(Descriptor::wait_read, Waiter<Ready::kRead>{this});
    } else {
      descriptor_.async_wait(Descriptor::wait_write, Waiter<Ready::kWrite>{this});
    }
  }

  bool waiting() const override { return waiting_[0] || waiting_[1]; }

  void Close() override {
    error_code ignored;
    descriptor_.close(ignored);
  }

 private:
  static constexpr size_t Index(Ready ready) { return static_cast<size_t>(ready); }

  template <Ready kReady>
  struct Waiter {
    AsioSocket* socket;
    void operator()(const error_code&) const {
      socket->waiting_[Index(kReady)] = false;
      // A wait may have succeeded just before Close: what counts is whether it is open now.
      if (socket->descriptor_.is_open()) {
        socket->handler_.OnReady(kReady);
      } else {
        socket->handler_.OnWaitCancelled();
      }
    }
  };

  SocketHandler& handler_;
  Descriptor descriptor_;
  bool waiting_[2] = {false, false};
};

}  // namespace

std::unique_ptr<WatchedSocket> WatchByAsio(asio::io_context& context, int descriptor,
                                           SocketHandler& handler) {
  auto socket = std::make_unique<AsioSocket>(context, handler);
  if (!socket->Open(descriptor)) return nullptr;
  return socket;
}

}  // namespace godwit::server
