#include "cli/progress.h"

#include <algorithm>

#include "cli/text_format.h"

namespace godwit::cli {

std::string FormatProgress(const std::string& title, uint64_t done_bytes, uint64_t total_bytes,
                           double rate_per_s, size_t width) {
  std::string tail;
  if (total_bytes > 0) {
    const double fraction = static_cast<double>(done_bytes) / static_cast<double>(total_bytes);
    tail = PadLeft(FormatFixed(fraction * 100, 1), 5) + " %  " + FormatBytes(done_bytes) + " of " +
           FormatBytes(total_bytes);
  } else {
    tail = FormatBytes(done_bytes);
  }
  if (rate_per_s > 0) {
    tail += "  " + FormatBytes(static_cast<uint64_t>(rate_per_s)) + "/s";
    if (total_bytes > done_bytes) {
      tail += "  " + FormatDuration(static_cast<double>(total_bytes - done_bytes) / rate_per_s) +
              " left";
    }
  }
  const size_t used = DisplayWidth(title) + 4 + DisplayWidth(tail);
  // A bar that would wrap the line is left out.
  if (total_bytes == 0 || used + 8 > width) return title + "  " + tail;
  const double fraction = static_cast<double>(done_bytes) / static_cast<double>(total_bytes);
  return title + "  " + Bar(fraction, std::min<size_t>(width - used - 1, 40)) + "  " + tail;
}

ProgressBar::ProgressBar(Console& console, Clock& clock, std::string title, uint64_t first_byte)
    : console_(console),
      clock_(clock),
      title_(std::move(title)),
      first_byte_(first_byte),
      start_ms_(clock.MonotonicMs()) {}

ProgressBar::~ProgressBar() { console_.ShowStatusLine(""); }

void ProgressBar::Update(uint64_t done_bytes, uint64_t total_bytes) {
  if (!console_.err_is_terminal()) return;
  const int64_t now_ms = clock_.MonotonicMs();
  if (drawn_ms_ != INT64_MIN && now_ms - drawn_ms_ < 100 && done_bytes < total_bytes) return;
  drawn_ms_ = now_ms;
  const double seconds = static_cast<double>(now_ms - start_ms_) / 1000;
  const uint64_t moved = done_bytes > first_byte_ ? done_bytes - first_byte_ : 0;
  // The first quarter second says nothing about the rate yet.
  const double rate = seconds >= 0.25 ? static_cast<double>(moved) / seconds : 0;
  console_.ShowStatusLine(FormatProgress(title_, done_bytes, total_bytes, rate, console_.width()));
}

}  // namespace godwit::cli
