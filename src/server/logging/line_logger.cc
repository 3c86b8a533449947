#include "server/logging/line_logger.h"

#include <unistd.h>

#include <array>

#include "base/time_format.h"

namespace godwit::server {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};

void AppendQuoted(std::string_view text, std::string* line) {
  constexpr char kHex[] = "0123456789abcdef";
  line->push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      line->push_back('\\');
      line->push_back(c);
    } else if (c == '\n') {
      line->append("\\n");
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      line->append("\\u00");
      line->push_back(kHex[static_cast<unsigned char>(c) >> 4]);
      line->push_back(kHex[c & 15]);
    } else {
      line->push_back(c);
    }
  }
  line->push_back('"');
}

bool IsPlain(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return false;
  }
  return !text.empty();
}

void AppendField(LogFormat format, std::string_view name, std::string_view value,
                 std::string* line) {
  if (format == LogFormat::kJson) {
    line->append(line->empty() ? "{" : ",");
    AppendQuoted(name, line);
    line->push_back(':');
    AppendQuoted(value, line);
    return;
  }
  if (!line->empty()) line->push_back(' ');
  line->append(name).push_back('=');
  if (IsPlain(value)) {
    line->append(value);
  } else {
    AppendQuoted(value, line);
  }
}

}  // namespace

Result<LogLevel> ParseLogLevel(std::string_view text) {
  for (size_t i = 0; i < kLevelNames.size(); ++i) {
    if (text == kLevelNames[i]) return static_cast<LogLevel>(i);
  }
  return Status(StatusCode::kInvalidArgument,
                "the log level must be debug, info, warning or error");
}

Result<LogFormat> ParseLogFormat(std::string_view text) {
  if (text == "text") return LogFormat::kText;
  if (text == "json") return LogFormat::kJson;
  return Status(StatusCode::kInvalidArgument, "the log format must be text or json");
}

void LineLogger::Log(LogLevel level, std::string_view message,
                     std::initializer_list<LogField> fields) {
  if (level < level_min_) return;
  const std::lock_guard lock(mutex_);
  line_.clear();
  AppendField(format_, "time", FormatTimeMillis(clock_.NowMs()), &line_);
  AppendField(format_, "level", kLevelNames[static_cast<size_t>(level)], &line_);
  AppendField(format_, "message", message, &line_);
  for (const LogField& field : fields) AppendField(format_, field.name, field.value, &line_);
  line_.append(format_ == LogFormat::kJson ? "}\n" : "\n");
  if (write(descriptor_, line_.data(), line_.size()) < 0) return;
}

}  // namespace godwit::server
