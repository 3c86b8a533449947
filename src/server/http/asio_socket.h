// How Asio waits for a socket. Built one of two ways, as GODWIT_REACTOR_OPERATION says:
// asio_socket_wait.cc by its public interface, asio_socket_operation.cc from within.
#pragma once

#include <memory>

#include "server/http/reactor.h"

namespace boost::asio {
class io_context;
}

namespace godwit::server {

// As Reactor::Watch.
std::unique_ptr<WatchedSocket> WatchByAsio(boost::asio::io_context& context, int descriptor,
                                           SocketHandler& handler);

}  // namespace godwit::server
