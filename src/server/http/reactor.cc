#include "server/http/reactor.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

#include "server/http/asio_socket.h"

namespace godwit::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

class AsioReactor final : public Reactor {
 public:
  std::unique_ptr<WatchedSocket> Watch(int descriptor, SocketHandler& handler) override {
    return WatchByAsio(context_, descriptor, handler);
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

  // One thread, which alone touches the sockets: only Post and Stop need Asio's locks.
  asio::io_context context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  asio::executor_work_guard<asio::io_context::executor_type> work_guard_ =
      asio::make_work_guard(context_);
  asio::steady_timer timer_{context_};
  std::chrono::milliseconds period_{};
  std::function<void()> tick_;
};

}  // namespace

std::unique_ptr<Reactor> NewReactor() { return std::make_unique<AsioReactor>(); }

}  // namespace godwit::server
