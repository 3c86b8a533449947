// `godwit proxy`: leads Firebase's clients to a server until a signal ends it.
#include <thread>

#include "cli/commands.h"
#include "cli/console_logger.h"
#include "cli/signals.h"
#include "proxy/proxy.h"

namespace godwit::cli {

Status RunProxy(Context& context, const ProxyCommandOptions& options) {
  const SignalWaiter signals;
  ConsoleLogger logger(context.console);
  ProxyOptions proxy_options;
  proxy_options.listen = options.listen;
  proxy_options.server = options.server;
  GODWIT_ASSIGN_OR_RETURN(const auto proxy, Proxy::Listen(proxy_options, context.clock, logger));
  context.console.Note("leads Firebase's hosts to " + options.server +
                       " and refuses all others; end it with Ctrl-C");
  context.console.Print("http://" + proxy->address() + "\n");
  GODWIT_RETURN_IF_ERROR(context.console.Flush());
  std::thread thread([&proxy] { proxy->Run(); });
  while (signals.Wait() == SIGCHLD) {
  }
  proxy->Stop();
  thread.join();
  return Status::Ok();
}

}  // namespace godwit::cli
