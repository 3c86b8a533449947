// The command line: which command, with which options. CLI11 is behind command_parts.h.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/commands.h"

namespace godwit::cli {

struct CommandLine {
  std::function<Status(Context&)> run;  // Empty when there is nothing to run.
  std::string text;                     // Then: what was asked for (help, version) …
  Status error;                         // … or, not Ok, what is wrong with the line.

  ConnectionFlags connection;
  bool json = false;
};

CommandLine ParseCommandLine(int argc, const char* const* argv);

// One command or flag of the tree, for shell completion.
struct FlagInfo {
  std::string name;  // "--publish".
  std::string help;
  bool takes_value = false;
  bool takes_path = false;
  std::vector<std::string> choices;
};
struct CommandInfo {
  std::string path;  // "godwit model push".
  std::string name;  // "push".
  std::string help;
  bool takes_path = false;            // A positional argument is a file.
  std::vector<std::string> children;  // Names.
  std::vector<FlagInfo> flags;
};
std::vector<CommandInfo> DescribeCommands();

}  // namespace godwit::cli
