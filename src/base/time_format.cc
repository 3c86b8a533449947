#include "base/time_format.h"

#include <cstdio>
#include <ctime>

namespace godwit {
namespace {

// Civil fields of an instant, and the milliseconds left over (0 to 999, also before 1970).
struct Civil {
  std::tm tm;
  int ms;
};

Civil CivilFromMs(int64_t time_ms) {
  Civil civil{};
  int64_t ms = time_ms % 1000;
  if (ms < 0) ms += 1000;
  const std::time_t seconds = static_cast<std::time_t>((time_ms - ms) / 1000);
  gmtime_r(&seconds, &civil.tm);
  civil.ms = static_cast<int>(ms);
  return civil;
}

std::string FormatIso(int64_t time_ms, const char* tail) {
  const Civil civil = CivilFromMs(time_ms);
  char text[96];
  std::snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03d%s", civil.tm.tm_year + 1900,
                civil.tm.tm_mon + 1, civil.tm.tm_mday, civil.tm.tm_hour, civil.tm.tm_min,
                civil.tm.tm_sec, civil.ms, tail);
  return text;
}

}  // namespace

std::string FormatTimeMicros(int64_t time_ms) { return FormatIso(time_ms, "000Z"); }

std::string FormatTimeMillis(int64_t time_ms) { return FormatIso(time_ms, "Z"); }

std::string FormatHttpDate(int64_t time_ms) {
  // Not strftime: a Date header is English whatever the locale.
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const Civil civil = CivilFromMs(time_ms);
  char text[96];
  std::snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[civil.tm.tm_wday],
                civil.tm.tm_mday, kMonths[civil.tm.tm_mon], civil.tm.tm_year + 1900,
                civil.tm.tm_hour, civil.tm.tm_min, civil.tm.tm_sec);
  return text;
}

int64_t ParseTimeMs(const std::string& text) {
  std::tm tm{};
  int consumed = 0;
  const int fields = std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon,
                                 &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &consumed);
  if (fields != 6) return -1;
  size_t at = static_cast<size_t>(consumed);
  int64_t ms = 0;
  if (at < text.size() && text[at] == '.') {
    int64_t scale = 100;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      ms += (text[at] - '0') * scale;
      scale /= 10;
    }
  }
  if (at + 1 != text.size() || text[at] != 'Z') return -1;
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  return static_cast<int64_t>(timegm(&tm)) * 1000 + ms;
}

}  // namespace godwit
