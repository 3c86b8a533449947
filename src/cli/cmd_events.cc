// `godwit events export`: what devices told, row by row.
#include <utility>

#include "cli/admin_client.h"
#include "cli/commands.h"

namespace godwit::cli {
namespace {

constexpr const char* kColumns[] = {"day",  "installation", "modelId", "model", "modelHash",
                                    "kind", "reason",       "count",   "bytes", "durationMs"};

// No value has a comma or a quote: they are ids, names and numbers. Whatever else a server sends
// is put into quotes.
std::string CsvCell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string cell = "\"";
  for (const char c : text) cell.append(c == '"' ? 2 : 1, c);
  return cell + "\"";
}

std::string CsvLine(const Json& event) {
  std::string line;
  for (const char* column : kColumns) {
    if (column != kColumns[0]) line += ',';
    line += CsvCell(event[column].AsString());
  }
  return line + "\n";
}

std::string CsvHead() {
  std::string line;
  for (const char* column : kColumns) line.append(line.empty() ? "" : ",").append(column);
  return line + "\n";
}

}  // namespace

Status RunEventsExport(Context& context, const EventsExportOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(AdminSettings settings, context.settings.Admin());
  const std::string path = "/v1beta2/projects/" + PercentEncode(settings.project_id) +
                           "/events?pageSize=1000&from=" + PercentEncode(options.from) +
                           (options.to.empty() ? "" : "&to=" + PercentEncode(options.to));
  AdminClient client(context.http, context.clock, std::move(settings));
  const bool csv = options.format == "csv";
  if (csv) context.console.Print(CsvHead());
  std::string token;
  do {
    const std::string page_path =
        token.empty() ? path : path + "&pageToken=" + PercentEncode(token);
    GODWIT_ASSIGN_OR_RETURN(const Json page, client.Call("GET", page_path, Json()));
    for (const Json& event : page["events"].items()) {
      context.console.Print(csv ? CsvLine(event) : event.Serialize() + "\n");
    }
    GODWIT_RETURN_IF_ERROR(context.console.Flush());
    token = page["nextPageToken"].AsString();
  } while (!token.empty());
  return Status::Ok();
}

}  // namespace godwit::cli
