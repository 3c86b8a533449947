// What the commands of the tree are put together from. Only the files of the tree include it.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cli/flags.h"

namespace godwit::cli {

// Adds a command that runs `runner` with *options as they are once the line is read.
template <typename T>
CLI::App* AddCommand(CLI::App* parent, const char* name, const char* help,
                     Status (*runner)(Context&, const T&), std::shared_ptr<T> options,
                     CommandLine* line) {
  CLI::App* command = parent->add_subcommand(name, help);
  command->final_callback([line, runner, options = std::move(options)] {
    line->run = [runner, options](Context& context) { return runner(context, *options); };
  });
  return command;
}

void AddJsonFlag(CLI::App* command, CommandLine* line);
// Which server, as which administrator.
void AddAdminFlags(CLI::App* command, CommandLine* line);

// The type's name says the choices already; help must not repeat them.
CLI::Validator OneOf(const std::vector<std::string>& words);

// godwit model revoke and unrevoke, test-device, explain.
void AddTargetingCommands(CLI::App* root, CLI::App* model, CommandLine* line);
// godwit project, app, key, account.
void AddAccessCommands(CLI::App* root, CommandLine* line);

// godwit model stats.
void AddModelStats(CLI::App* model, CommandLine* line);
// godwit events.
void AddEventCommands(CLI::App* root, CommandLine* line);

}  // namespace godwit::cli
