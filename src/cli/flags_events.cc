#include "cli/command_parts.h"

namespace godwit::cli {

void AddModelStats(CLI::App* model, CommandLine* line) {
  const auto options = std::make_shared<ModelStatsOptions>();
  CLI::App* stats = AddCommand(model, "stats", "Show who has which version, downloads and failures",
                               &RunModelStats, options, line);
  stats->add_option("name", options->name, "The model")->required()->type_name("NAME");
  stats->add_option("--days", options->days, "Of how many days, today among them")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{1}, int64_t{400}).description(""))
      ->type_name("N");
  AddAdminFlags(stats, line);
  AddJsonFlag(stats, line);
}

void AddEventCommands(CLI::App* root, CommandLine* line) {
  CLI::App* events = root->add_subcommand("events", "What devices tell about their models");
  events->require_subcommand(1);
  const auto options = std::make_shared<EventsExportOptions>();
  CLI::App* command = AddCommand(events, "export", "Print the rows of all installations",
                                 &RunEventsExport, options, line);
  command->add_option("--from", options->from, "The first day, as in 2026-01-02")
      ->required()
      ->type_name("DAY");
  command->add_option("--to", options->to, "The last day; today if absent")->type_name("DAY");
  command->add_option("--format", options->format, "One JSON object a line, or a table")
      ->capture_default_str()
      ->check(OneOf({"ndjson", "csv"}))
      ->type_name("ndjson|csv");
  AddAdminFlags(command, line);
}

}  // namespace godwit::cli
