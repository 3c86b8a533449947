// ProgressBar: one line on a terminal that says how far a transfer is. Silent elsewhere.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "cli/console.h"

namespace godwit::cli {

// "push face  ██████▌     52.1 %  4.2 MB of 8.0 MB  1.3 MB/s  3 s left". `total_bytes` 0:
// unknown, so no bar. rate_per_s 0: not known yet.
std::string FormatProgress(const std::string& title, uint64_t done_bytes, uint64_t total_bytes,
                           double rate_per_s, size_t width);

// Not thread-safe. Draws at most ten times a second; the line goes when the bar does.
class ProgressBar {
 public:
  // first_byte: where a resumed transfer starts, so that the rate counts new bytes only.
  ProgressBar(Console& console, Clock& clock, std::string title, uint64_t first_byte = 0);
  ~ProgressBar();

  void Update(uint64_t done_bytes, uint64_t total_bytes);

 private:
  Console& console_;
  Clock& clock_;
  std::string title_;
  uint64_t first_byte_;
  int64_t start_ms_;
  int64_t drawn_ms_ = INT64_MIN;
};

}  // namespace godwit::cli
