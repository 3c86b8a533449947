// LineLogger: one line of logfmt or JSON an event, to a file descriptor.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"

namespace godwit::server {

enum class LogFormat { kText, kJson };

// "debug", "info", "warning" or "error"; kInvalidArgument otherwise.
Result<LogLevel> ParseLogLevel(std::string_view text);
// "text" or "json"; kInvalidArgument otherwise.
Result<LogFormat> ParseLogFormat(std::string_view text);

// Thread-safe. A line is written by one write call, so lines of several processes do not mix
// below the pipe's atomic size. Control characters are escaped: one event is one line, whatever
// a client sent. Errors of the descriptor are ignored: a server outlives its log.
class LineLogger final : public Logger {
 public:
  // descriptor stays the caller's; clock must outlive the logger.
  LineLogger(int descriptor, LogFormat format, LogLevel level_min, const Clock& clock)
      : descriptor_(descriptor), format_(format), level_min_(level_min), clock_(clock) {}

  void Log(LogLevel level, std::string_view message,
           std::initializer_list<LogField> fields) override;

 private:
  const int descriptor_;
  const LogFormat format_;
  const LogLevel level_min_;
  const Clock& clock_;
  std::mutex mutex_;
  std::string line_;  // Kept, so that its memory is reused.
};

}  // namespace godwit::server
