// Exit codes: the whole promise to scripts. Also in --help and docs/reference/cli.md.
#pragma once

#include "base/status.h"

namespace godwit::cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,       // Anything that has no number of its own.
  kExitUsage = 2,        // The command line is wrong.
  kExitNotFound = 3,     // No such model, version or file.
  kExitDenied = 4,       // Credentials are missing, wrong or not allowed to do this.
  kExitUnavailable = 5,  // Network or server; the same command may succeed later.
  kExitBadData = 6,      // A file is no valid model, or bytes do not match their digest.
  kExitBreaks = 7,       // `model diff --exit-code`: the second model breaks apps.
};

inline ExitCode ExitCodeOf(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return kExitOk;
    case StatusCode::kInvalidArgument:
      return kExitUsage;
    case StatusCode::kNotFound:
      return kExitNotFound;
    case StatusCode::kPermissionDenied:
    case StatusCode::kUnauthenticated:
      return kExitDenied;
    case StatusCode::kDeadlineExceeded:
    case StatusCode::kUnavailable:
    case StatusCode::kNoNetworkConnection:
      return kExitUnavailable;
    case StatusCode::kDataLoss:
    case StatusCode::kModelHashMismatch:
    case StatusCode::kStoreCorrupt:
      return kExitBadData;
    default:
      return kExitFailed;
  }
}

}  // namespace godwit::cli
