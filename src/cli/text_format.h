// Numbers, bars and tables as people read them. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::cli {

// "512 B", "4.2 MB", "1.50 GB": powers of 1000, as disks and networks count.
std::string FormatBytes(uint64_t bytes);

// "0.8 s", "12 s", "3 min 05 s", "2 h 10 min".
std::string FormatDuration(double seconds);

// "850 ns", "12.3 µs", "4.56 ms", "1.20 s".
std::string FormatNanoseconds(double nanoseconds);

// printf's "%.*f".
std::string FormatFixed(double value, int digits);

// "12,345".
std::string FormatCount(uint64_t count);

// "████▌     ": `width` columns, filled from the left in eighths of a column. fraction is
// clamped to [0, 1]; what is not zero shows at least a sliver.
std::string Bar(double fraction, size_t width);

// Columns on a terminal that UTF-8 text takes, counting each code point as one.
size_t DisplayWidth(std::string_view text);

// Pads with spaces to `width` columns; a longer text stays as it is.
std::string PadRight(std::string_view text, size_t width);
std::string PadLeft(std::string_view text, size_t width);

// Text that came from a file or a server, safe to print: control characters (a terminal would
// obey them) become '?'.
std::string Printable(std::string_view text);

// "2026-01-02 03:04:05" of "2026-01-02T03:04:05.678000Z"; safe to print.
std::string FormatTimestamp(std::string_view rfc3339);

enum class Align { kLeft, kRight };

// Columns two spaces apart, each as wide as its widest cell.
class Table {
 public:
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // REQUIRES: as many cells as columns.
  void AddRow(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }

  // Ends in a newline; no trailing spaces.
  std::string Render() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace godwit::cli
