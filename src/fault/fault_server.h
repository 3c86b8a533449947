// FaultServer: stands before a godwit server and spoils what devices ask it for.
#pragma once

#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "fault/fault_spec.h"

namespace godwit {

struct FaultServerOptions {
  std::string listen;    // "127.0.0.1:8490"; port 0 picks one.
  std::string upstream;  // "127.0.0.1:8484": a server of plain HTTP; may come later.
  FaultSpec spec;
};

// For development and tests: plain HTTP, a thread and a connection to the server for each request.
// Registration and renewal of tokens, questions for a model, and files meet the faults; all else
// passes. Each fault that hits is one line in the log.
class FaultServer {
 public:
  // Listens; connections wait until Run. The logger must outlive it.
  static Result<std::unique_ptr<FaultServer>> Listen(const FaultServerOptions& options,
                                                     Logger& logger);
  virtual ~FaultServer() = default;

  // Where it really listens.
  virtual const std::string& address() const = 0;
  // Thread-safe; for requests that come from now on. Counts of TIMES begin anew.
  virtual void SetSpec(const FaultSpec& spec) = 0;
  // REQUIRES: Run has not begun. Blocks to resolve a name.
  virtual Status SetUpstream(const std::string& upstream) = 0;
  // Serves until Stop, on the caller's thread.
  virtual void Run() = 0;
  // From any thread; ends all connections. Run returns soon after.
  virtual void Stop() = 0;
};

}  // namespace godwit
