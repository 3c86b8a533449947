#include "cli/confirmation.h"

#include <cstdio>

namespace godwit::cli {

Status ConfirmDeletion(Context& context, const std::string& name, const std::string& what) {
  if (!context.console.err_is_terminal()) {
    return Status(StatusCode::kFailedPrecondition,
                  "deleting '" + name +
                      "' cannot be undone and there is no terminal to ask on, so nothing was "
                      "done; add --yes");
  }
  context.console.Note("This deletes " + what + " from the server and cannot be undone.");
  context.console.Note("Type '" + name + "' to go on:");
  char answer[256] = {};
  if (std::fgets(answer, sizeof answer, stdin) != nullptr && std::string(answer) == name + "\n") {
    return Status::Ok();
  }
  return Status(StatusCode::kCancelled, "that is another name, so nothing was deleted");
}

}  // namespace godwit::cli
