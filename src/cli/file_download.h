// DownloadFile: bytes from a server into a file, going on where a transfer broke off.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "cli/commands.h"
#include "digest/digest.h"
#include "http/http_client.h"

namespace godwit::cli {

struct FileRequest {
  // Sends the request, with whatever proves the right to ask.
  std::function<Result<HttpResponse>(HttpRequest, HttpSink*)> send;
  std::string url;
  uint64_t size_bytes = 0;  // What the file has, exactly.
};

// Blocks until the file holds all bytes, synced; their digest. What it held before counts as the
// first of them. kUnavailable when several tries in a row brought nothing; the file then keeps
// what came. title: what the progress bar says.
Result<Digest> DownloadFile(Context& context, const FileRequest& request, const std::string& path,
                            const std::string& title);

}  // namespace godwit::cli
