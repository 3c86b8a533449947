// `godwit model stats`: who has which version, and how the downloads went.
#include <algorithm>
#include <map>
#include <utility>

#include "cli/admin_client.h"
#include "cli/commands.h"
#include "cli/text_format.h"
#include "protocol/event_messages.h"
#include "protocol/model_address.h"

namespace godwit::cli {
namespace {

constexpr size_t kBarWidth = 30;

struct DaySeries {
  explicit DaySeries(size_t days) : values(days) {}
  void Add(size_t day, int64_t value) {
    if (day >= values.size()) return;
    values[day] += value;
    sum += value;
  }
  std::vector<int64_t> values;
  int64_t sum = 0;
};

// One block a day, as high as the day; a dot where nothing was.
std::string Sparkline(const std::vector<int64_t>& values) {
  constexpr const char* kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const int64_t highest = std::max<int64_t>(1, *std::max_element(values.begin(), values.end()));
  std::string line;
  for (const int64_t value : values) {
    const auto share = static_cast<double>(value) / static_cast<double>(highest);
    line += value <= 0 ? "·" : kBlocks[std::min<size_t>(7, static_cast<size_t>(share * 8))];
  }
  return line;
}

uint64_t Unsigned(int64_t value) { return static_cast<uint64_t>(std::max<int64_t>(value, 0)); }

std::string VersionText(const Json& version) {
  return version.is_null() ? "another file" : "@" + Printable(version.AsString());
}

void ShowAdoption(Console& console, const Json& stats) {
  int64_t all = 0;
  for (const Json& row : stats["adoption"].items()) all += row["installations"].AsInt();
  console.Print(console.Styled(Style::kBold, "Adoption") + "  " + FormatCount(Unsigned(all)) +
                " installations seen\n");
  for (const Json& row : stats["adoption"].items()) {
    const int64_t count = row["installations"].AsInt();
    const double share = all == 0 ? 0 : static_cast<double>(count) / static_cast<double>(all);
    console.Print("  " + PadRight(VersionText(row["version"]), 14) + Bar(share, kBarWidth) +
                  PadLeft(FormatFixed(share * 100, 1), 6) + " %" +
                  PadLeft(FormatCount(Unsigned(count)), 12) + "\n");
  }
}

void ShowFailures(Console& console, const std::map<std::string, int64_t>& failures) {
  if (failures.empty()) return;
  std::vector<std::pair<std::string, int64_t>> sorted(failures.begin(), failures.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  console.Print(console.Styled(Style::kBold, "Failures by reason") + "\n");
  for (const auto& [reason, count] : sorted) {
    const double share = static_cast<double>(count) / static_cast<double>(sorted[0].second);
    console.Print("  " + PadRight(Printable(reason), 32) + Bar(share, kBarWidth) +
                  PadLeft(FormatCount(Unsigned(count)), 12) + "\n");
  }
}

void ShowStats(Console& console, const Json& stats) {
  const int64_t first_day = ParseDay(stats["firstDay"].AsString());
  const int64_t last_day = ParseDay(stats["lastDay"].AsString());
  const auto days = static_cast<size_t>(std::clamp<int64_t>(last_day - first_day + 1, 1, 1000));
  DaySeries downloads(days), failed(days), bytes(days), milliseconds(days);
  std::map<std::string, int64_t> failures;
  for (const Json& total : stats["totals"].items()) {
    const auto day = static_cast<size_t>(ParseDay(total["day"].AsString()) - first_day);
    const std::string& kind = total["kind"].AsString();
    const int64_t count = total["count"].AsInt();
    bytes.Add(day, total["bytes"].AsInt());
    if (kind == "FINISHED") {
      downloads.Add(day, count);
      milliseconds.Add(day, total["durationMs"].AsInt());
    }
    if (kind != "FAILED" && kind != "GATE_REFUSED" && kind != "CRASHED") continue;
    failed.Add(day, count);
    const std::string& reason = total["reason"].AsString();
    failures[reason.empty() ? kind : kind + " " + reason] += count;
  }
  console.Print(console.Styled(Style::kBold, Printable(stats["model"].AsString())) + "  " +
                Printable(stats["firstDay"].AsString()) + " to " +
                Printable(stats["lastDay"].AsString()) + "\n");
  ShowAdoption(console, stats);
  console.Print(console.Styled(Style::kBold, "By day") + "\n");
  const auto line = [&](std::string_view name, const DaySeries& series, const std::string& sum) {
    console.Print("  " + PadRight(name, 12) + Sparkline(series.values) + "  " + sum + "\n");
  };
  line("downloads", downloads, FormatCount(Unsigned(downloads.sum)));
  line("failures", failed, FormatCount(Unsigned(failed.sum)));
  line("bytes", bytes, FormatBytes(Unsigned(bytes.sum)));
  if (downloads.sum > 0) {
    console.Print("  a download takes " +
                  FormatDuration(static_cast<double>(milliseconds.sum) / 1000 /
                                 static_cast<double>(downloads.sum)) +
                  " on average\n");
  }
  ShowFailures(console, failures);
}

}  // namespace

Status RunModelStats(Context& context, const ModelStatsOptions& options) {
  if (!IsModelName(options.name)) {
    return Status(StatusCode::kInvalidArgument,
                  "'" + options.name + "' is no model's name; give the name alone");
  }
  GODWIT_ASSIGN_OR_RETURN(AdminSettings settings, context.settings.Admin());
  const std::string project = settings.project_id;
  AdminClient client(context.http, context.clock, std::move(settings));
  GODWIT_ASSIGN_OR_RETURN(const Json model, client.FindModel(options.name));
  GODWIT_ASSIGN_OR_RETURN(
      const Json stats,
      client.Call("GET",
                  "/v1beta2/projects/" + PercentEncode(project) + "/models/" + ModelId(model) +
                      ":stats?days=" + std::to_string(options.days),
                  Json()));
  if (context.json) {
    context.console.PrintJson(stats);
  } else {
    ShowStats(context.console, stats);
  }
  return Status::Ok();
}

}  // namespace godwit::cli
