// Console: where a command writes. Data goes to standard output, all else to standard error.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "base/status.h"
#include "protocol/json.h"

namespace godwit::cli {

enum class Style { kPlain, kBold, kDim, kGreen, kYellow, kRed, kCyan };

struct ConsoleOptions {
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool colour = false;  // Only ever applied to a stream that is a terminal.
  size_t width = 80;    // Columns.
};

// What the streams are: asks the kernel, NO_COLOR, TERM and COLUMNS.
ConsoleOptions DetectConsole(std::FILE* out, std::FILE* err);

// Not thread-safe. Borrows both streams.
class Console {
 public:
  Console(std::FILE* out, std::FILE* err, const ConsoleOptions& options)
      : out_(out), err_(err), options_(options) {}

  // Data: exactly these bytes on standard output.
  void Print(std::string_view text);
  // One indented JSON value and a newline on standard output.
  void PrintJson(const Json& value);
  // One line for a person on standard error.
  void Note(std::string_view line);
  // Rewrites the last line of standard error; shows only on a terminal. "" clears it.
  void ShowStatusLine(std::string_view line);

  // The text in this style if standard output (error) is a terminal with colours.
  std::string Styled(Style style, std::string_view text) const;
  std::string StyledNote(Style style, std::string_view text) const;

  bool out_is_terminal() const { return options_.out_is_terminal; }
  bool err_is_terminal() const { return options_.err_is_terminal; }
  size_t width() const { return options_.width; }

  // kIo if anything written did not reach the stream (a full disk behind a redirect).
  Status Flush();

 private:
  std::FILE* out_;
  std::FILE* err_;
  ConsoleOptions options_;
  bool status_line_shown_ = false;
};

}  // namespace godwit::cli
