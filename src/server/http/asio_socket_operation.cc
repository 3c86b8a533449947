// Asio's public wait arms the descriptor anew each time, a system call a request, and allocates.
// Its own reads and writes do neither: they are operations that tell the reactor when they have
// taken all there was. So are the waits here. This uses Asio's inner parts, which may change.
#include <unistd.h>

#include <boost/asio/io_context.hpp>
// Behind the public header, which they need.
#include <boost/asio/detail/epoll_reactor.hpp>
#include <boost/asio/detail/reactor_op.hpp>
#include <boost/version.hpp>
#include <cassert>

#include "server/http/asio_socket.h"

static_assert(BOOST_VERSION / 100 == 1081,
              "written against Boost 1.81: build with -DGODWIT_REACTOR_OPERATION=OFF");

namespace godwit::server {
namespace {

namespace asio = boost::asio;
using asio::detail::epoll_reactor;
using asio::detail::reactor_op;
using boost::system::error_code;

class OperationSocket final : public WatchedSocket {
 public:
  OperationSocket(asio::io_context& context, SocketHandler& handler)
      : handler_(handler), reactor_(asio::use_service<epoll_reactor>(context)) {}
  ~OperationSocket() override {
    assert(!waiting());
    Close();
  }

  bool Open(int descriptor) {
    descriptor_ = descriptor;
    reactor_.init_task();
    if (reactor_.register_descriptor(descriptor, data_) == 0) return true;
    Close();
    return false;
  }

  int descriptor() const override { return descriptor_; }

  void Wait(Ready ready, Left left) override {
    Operation& operation = ready == Ready::kRead ? read_ : write_;
    if (operation.waiting) return;
    operation.waiting = true;
    const int kind = ready == Ready::kRead ? epoll_reactor::read_op : epoll_reactor::write_op;
    // "Speculative" only ends the wait at once if an event came since the last one.
    reactor_.start_op(kind, descriptor_, data_, &operation, false, left == Left::kNothing);
  }

  bool waiting() const override { return read_.waiting || write_.waiting; }

  void Close() override {
    if (descriptor_ < 0) return;
    reactor_.deregister_descriptor(descriptor_, data_, true);
    ::close(descriptor_);
    descriptor_ = -1;
    reactor_.cleanup_descriptor_data(data_);
  }

 private:
  // A wait under way. It belongs to its socket, so it can be begun again without an allocation.
  struct Operation final : reactor_op {
    Operation(OperationSocket& owner, Ready what)
        : reactor_op(error_code(), &Perform, &Complete), socket(owner), ready(what) {}

    // The handler will take all that is there, so a later event is needed for the next wait.
    static status Perform(reactor_op*) { return done_and_exhausted; }

    static void Complete(void* reactor, asio::detail::operation* base, const error_code&, size_t) {
      auto* const operation = static_cast<Operation*>(base);
      operation->waiting = false;
      if (reactor == nullptr) return;  // The reactor is being destroyed.
      OperationSocket& socket = operation->socket;
      // A wait may have succeeded just before Close: what counts is whether it is open now.
      if (socket.descriptor_ >= 0) {
        socket.handler_.OnReady(operation->ready);
      } else {
        socket.handler_.OnWaitCancelled();
      }
    }

    OperationSocket& socket;
    const Ready ready;
    bool waiting = false;
  };

  SocketHandler& handler_;
  epoll_reactor& reactor_;
  epoll_reactor::per_descriptor_data data_ = nullptr;
  int descriptor_ = -1;
  Operation read_{*this, Ready::kRead};
  Operation write_{*this, Ready::kWrite};
};

}  // namespace

std::unique_ptr<WatchedSocket> WatchByAsio(asio::io_context& context, int descriptor,
                                           SocketHandler& handler) {
  auto socket = std::make_unique<OperationSocket>(context, handler);
  if (!socket->Open(descriptor)) return nullptr;
  return socket;
}

}  // namespace godwit::server
