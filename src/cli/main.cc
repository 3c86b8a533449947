// godwit: the command line. Wires the real disk, network and clock to one command.
#include <cstdio>
#include <memory>
#include <string>

#include "cli/exit_code.h"
#include "cli/flags.h"

namespace godwit::cli {
namespace {

void ReportError(Console& console, const Status& status, bool json) {
  if (json) {
    const Json error = Json::Object({{"code", Json(static_cast<int>(status.code()))},
                                     {"status", Json(StatusCodeName(status.code()))},
                                     {"message", Json(status.message())}});
    console.Note(Json::Object({{"error", error}}).Serialize(2));
    return;
  }
  console.Note(console.StyledNote(Style::kRed, "godwit:") + " " + status.message());
}

int Main(int argc, char** argv) {
  const CommandLine line = ParseCommandLine(argc, argv);
  Console console(stdout, stderr, DetectConsole(stdout, stderr));
  if (!line.run) {
    console.Print(line.text);
    if (!line.error.ok()) ReportError(console, line.error, line.json);
    return ExitCodeOf(line.error.code());
  }
  const std::unique_ptr<FileSystem> fs = NewPosixFileSystem();
  const std::unique_ptr<Clock> clock = NewSystemClock();
  const auto new_http = [](const char* ca_variable) {
    return NewCurlHttpClient(
        {.user_agent = "godwit-cli/" GODWIT_VERSION, .ca_file = ProcessVariable(ca_variable)});
  };
  const std::unique_ptr<HttpClient> http = new_http("GODWIT_CA_FILE");
  const std::unique_ptr<HttpClient> public_http = new_http("SSL_CERT_FILE");
  Settings settings(*fs, ProcessVariable, line.connection);
  const std::unique_ptr<Platform> platform = NewSystemPlatform();
  Context context{console, *fs, *clock, *http, *public_http, settings, *platform, line.json};
  Status status = line.run(context);
  if (status.ok()) status = console.Flush();
  if (!status.ok()) ReportError(console, status, line.json);
  return status.ok() ? context.exit_code : ExitCodeOf(status.code());
}

}  // namespace
}  // namespace godwit::cli

int main(int argc, char** argv) { return godwit::cli::Main(argc, argv); }
