#include "server/http/reactor.h"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cassert>
#include <chrono>
#include <utility>

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

  void Wait(Ready ready) override {
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

class AsioReactor final : public Reactor {
 public:
  std::unique_ptr<WatchedSocket> Watch(int descriptor, SocketHandler& handler) override {
    auto socket = std::make_unique<AsioSocket>(context_, handler);
    if (!socket->Open(descriptor)) return nullptr;
    return socket;
  }

  void Post(std::function<void()> work) override { asio::post(context_, std::move(work)); }

  void StartTicking(int64_t period_ms, std::function<void()> tick) override {
    period_ = std::chrono::milliseconds(period_ms);
    tick_ = std::move(tick);
    WaitForTick();
  }

  void Run() override { context_.run(); }
  void Stop() override { context_.stop(); }

 private:
  void WaitForTick() {
    timer_.expires_after(period_);
    timer_.async_wait([this](const error_code& error) {
      if (error) return;
      tick_();
      WaitForTick();
    });
  }

  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_guard_ =
      asio::make_work_guard(context_);
  asio::steady_timer timer_{context_};
  std::chrono::milliseconds period_{};
  std::function<void()> tick_;
};

}  // namespace

std::unique_ptr<Reactor> NewReactor() { return std::make_unique<AsioReactor>(); }

}  // namespace godwit::server
