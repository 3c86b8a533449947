// `godwit completion`: a script that a shell evaluates, made from the tree of commands.
#include <algorithm>

#include "cli/flags.h"

namespace godwit::cli {
namespace {

std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// Which command the words name so far; both shells walk the same way.
std::string CommandCases(const std::vector<CommandInfo>& commands) {
  std::string text;
  for (const CommandInfo& command : commands) {
    if (command.path == "godwit") continue;
    text += "      " + Quoted(command.path) + ") command=\"$next\" ;;\n";
  }
  return text;
}

std::string BashScript(const std::vector<CommandInfo>& commands) {
  std::string text =
      "# godwit's completion for bash. Use: source <(godwit completion bash)\n"
      "_godwit() {\n"
      "  local word=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
      "  local command=godwit next i words='' paths=no\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    next=\"$command ${COMP_WORDS[i]}\"\n"
      "    case \"$next\" in\n" +
      CommandCases(commands) +
      "    esac\n"
      "  done\n"
      "  case \"$command $previous\" in\n";
  for (const CommandInfo& command : commands) {
    for (const FlagInfo& flag : command.flags) {
      if (!flag.takes_value) continue;
      text += "    " + Quoted(command.path + " " + flag.name) + ") ";
      if (flag.takes_path) {
        text += "COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n";
      } else {
        text += "COMPREPLY=($(compgen -W " + Quoted(Join(flag.choices)) +
                " -- \"$word\")); return ;;\n";
      }
    }
  }
  text += "  esac\n  case \"$command\" in\n";
  for (const CommandInfo& command : commands) {
    std::vector<std::string> words = command.children;
    for (const FlagInfo& flag : command.flags) words.push_back(flag.name);
    text += "    " + Quoted(command.path) + ") words=" + Quoted(Join(words)) +
            (command.takes_path ? "; paths=yes" : "") + " ;;\n";
  }
  return text +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "  if [[ $paths == yes && $word != -* ]]; then\n"
         "    COMPREPLY+=($(compgen -f -- \"$word\"))\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _godwit godwit\n";
}

// zsh's _describe reads "name:help"; a colon in a name or a help must be escaped.
std::string ZshEntry(const std::string& name, const std::string& help) {
  std::string text = name + ":";
  for (const char c : help) {
    if (c == ':' || c == '\\') text += '\\';
    text += c;
  }
  return Quoted(text);
}

std::string ZshScript(const std::vector<CommandInfo>& commands) {
  std::string text =
      "#compdef godwit\n"
      "# godwit's completion for zsh. Use: source <(godwit completion zsh)\n"
      "_godwit() {\n"
      "  local command=godwit next i previous=\"${words[CURRENT-1]}\"\n"
      "  local -a entries\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n"
      "    next=\"$command ${words[i]}\"\n"
      "    case \"$next\" in\n" +
      CommandCases(commands) +
      "    esac\n"
      "  done\n"
      "  case \"$command $previous\" in\n";
  for (const CommandInfo& command : commands) {
    for (const FlagInfo& flag : command.flags) {
      if (!flag.takes_value) continue;
      text += "    " + Quoted(command.path + " " + flag.name) + ") ";
      text += flag.takes_path ? "_files; return ;;\n"
                              : "compadd -- " + Join(flag.choices) + "; return ;;\n";
    }
  }
  text += "  esac\n  case \"$command\" in\n";
  for (const CommandInfo& command : commands) {
    std::string entries;
    for (const std::string& child : command.children) {
      const auto found = std::find_if(commands.begin(), commands.end(), [&](const auto& other) {
        return other.path == command.path + " " + child;
      });
      entries += " " + ZshEntry(child, found == commands.end() ? "" : found->help);
    }
    for (const FlagInfo& flag : command.flags) entries += " " + ZshEntry(flag.name, flag.help);
    text += "    " + Quoted(command.path) + ") entries=(" + entries.substr(1) + ")" +
            (command.takes_path ? "; _files" : "") + " ;;\n";
  }
  return text +
         "  esac\n"
         "  _describe godwit entries\n"
         "}\n"
         "compdef _godwit godwit\n";
}

}  // namespace

Status RunCompletion(Context& context, const CompletionOptions& options) {
  const std::vector<CommandInfo> commands = DescribeCommands();
  context.console.Print(options.shell == "zsh" ? ZshScript(commands) : BashScript(commands));
  return Status::Ok();
}

}  // namespace godwit::cli
