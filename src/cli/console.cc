#include "cli/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace godwit::cli {
namespace {

size_t TerminalWidth(std::FILE* stream) {
  winsize size{};
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) return size.ws_col;
  if (const char* columns = std::getenv("COLUMNS")) {
    const long value = std::strtol(columns, nullptr, 10);
    if (value >= 20 && value <= 1000) return static_cast<size_t>(value);
  }
  return 80;
}

const char* EscapeOf(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kBold:
      return "\033[1m";
    case Style::kDim:
      return "\033[2m";
    case Style::kGreen:
      return "\033[32m";
    case Style::kYellow:
      return "\033[33m";
    case Style::kRed:
      return "\033[31m";
    case Style::kCyan:
      return "\033[36m";
  }
  return "";
}

std::string Paint(bool colour, Style style, std::string_view text) {
  if (!colour || style == Style::kPlain) return std::string(text);
  return EscapeOf(style) + std::string(text) + "\033[0m";
}

}  // namespace

ConsoleOptions DetectConsole(std::FILE* out, std::FILE* err) {
  ConsoleOptions options;
  options.out_is_terminal = isatty(fileno(out)) != 0;
  options.err_is_terminal = isatty(fileno(err)) != 0;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  options.colour = (no_color == nullptr || *no_color == '\0') &&
                   (term == nullptr || std::string_view(term) != "dumb");
  options.width = TerminalWidth(options.out_is_terminal ? out : err);
  return options;
}

void Console::Print(std::string_view text) {
  ShowStatusLine("");
  std::fwrite(text.data(), 1, text.size(), out_);
}

void Console::PrintJson(const Json& value) { Print(value.Serialize(2) + "\n"); }

void Console::Note(std::string_view line) {
  ShowStatusLine("");
  std::fwrite(line.data(), 1, line.size(), err_);
  std::fputc('\n', err_);
}

void Console::ShowStatusLine(std::string_view line) {
  if (!options_.err_is_terminal || (line.empty() && !status_line_shown_)) return;
  // Return, clear to the end of the line, write.
  std::fputs("\r\033[K", err_);
  std::fwrite(line.data(), 1, line.size(), err_);
  std::fflush(err_);
  status_line_shown_ = !line.empty();
}

std::string Console::Styled(Style style, std::string_view text) const {
  return Paint(options_.colour && options_.out_is_terminal, style, text);
}

std::string Console::StyledNote(Style style, std::string_view text) const {
  return Paint(options_.colour && options_.err_is_terminal, style, text);
}

Status Console::Flush() {
  ShowStatusLine("");
  if (std::fflush(out_) != 0 || std::ferror(out_) != 0) {
    return Status(StatusCode::kIo,
                  "standard output could not be written, so the result is not complete; check "
                  "the disk or pipe that it goes to");
  }
  return Status::Ok();
}

}  // namespace godwit::cli
