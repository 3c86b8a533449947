#include "cli/text_format.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstdio>

namespace godwit::cli {

std::string FormatFixed(double value, int digits) {
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return std::string(text.data(), std::min(static_cast<size_t>(length), text.size() - 1));
}

std::string FormatBytes(uint64_t bytes) {
  if (bytes < 1000) return std::to_string(bytes) + " B";
  static constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  // 999.95 would print as "1000.0".
  while (value >= 999.95 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    ++unit;
  }
  return FormatFixed(value, 1) + " " + kUnits[unit];
}

std::string FormatDuration(double seconds) {
  if (!(seconds >= 0)) return "?";
  if (seconds < 9.95) return FormatFixed(seconds, 1) + " s";
  const auto whole = static_cast<uint64_t>(std::llround(seconds));
  if (whole < 60) return std::to_string(whole) + " s";
  const auto two = [](uint64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  if (whole < 3600) return std::to_string(whole / 60) + " min " + two(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + two(whole / 60 % 60) + " min";
}

std::string FormatNanoseconds(double nanoseconds) {
  if (nanoseconds < 999.5) return FormatFixed(nanoseconds, 0) + " ns";
  if (nanoseconds < 999.95e3) return FormatFixed(nanoseconds / 1e3, 1) + " µs";
  if (nanoseconds < 999.995e6) return FormatFixed(nanoseconds / 1e6, 2) + " ms";
  return FormatFixed(nanoseconds / 1e9, 2) + " s";
}

std::string FormatCount(uint64_t count) {
  std::string text = std::to_string(count);
  for (size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string Bar(double fraction, size_t width) {
  static constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double clamped = fraction > 0 ? std::min(fraction, 1.0) : 0.0;
  auto eighths = static_cast<size_t>(std::lround(clamped * static_cast<double>(width) * 8));
  if (clamped > 0 && eighths == 0 && width > 0) eighths = 1;
  std::string bar;
  for (size_t i = 0; i < eighths / 8; ++i) bar += "█";
  bar += kEighths[eighths % 8];
  return PadRight(bar, width);
}

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++width;
  }
  return width;
}

std::string PadRight(std::string_view text, size_t width) {
  const size_t have = DisplayWidth(text);
  std::string padded(text);
  if (have < width) padded.append(width - have, ' ');
  return padded;
}

std::string PadLeft(std::string_view text, size_t width) {
  const size_t have = DisplayWidth(text);
  std::string padded(have < width ? width - have : 0, ' ');
  padded += text;
  return padded;
}

std::string Printable(std::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return clean;
}

std::string FormatTimestamp(std::string_view rfc3339) {
  std::string text = Printable(rfc3339.substr(0, 19));
  std::replace(text.begin(), text.end(), 'T', ' ');
  return text;
}

void Table::AddRow(std::vector<std::string> cells) {
  assert(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::Render() const {
  std::vector<size_t> widths;
  for (const Column& column : columns_) widths.push_back(DisplayWidth(column.title));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  std::string text;
  const auto add_line = [&](auto cell_of) {
    std::string line;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) line += "  ";
      line += columns_[i].align == Align::kRight ? PadLeft(cell_of(i), widths[i])
                                                 : PadRight(cell_of(i), widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  add_line([&](size_t i) -> std::string_view { return columns_[i].title; });
  for (const auto& row : rows_) add_line([&](size_t i) -> std::string_view { return row[i]; });
  return text;
}

}  // namespace godwit::cli
