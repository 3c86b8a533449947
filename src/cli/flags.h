// The command line: which command, with which options. The one door to CLI11 is flags.cc.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/commands.h"

namespace godwit::cli {

struct CommandLine {
  // Empty when there is nothing to run: then print `text` (to standard output if exit_code is
  // 0, else standard error) and exit.
  std::function<Status(Context&)> run;
  int exit_code = 0;
  std::string text;

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
