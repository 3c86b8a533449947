// ConsoleLogger: log lines of a part that runs beside a command, for the person who started it.
#pragma once

#include <mutex>
#include <string>

#include "base/log.h"
#include "cli/console.h"

namespace godwit::cli {

// "message: value, value". Borrows the console, which nobody else may use meanwhile.
class ConsoleLogger final : public Logger {
 public:
  explicit ConsoleLogger(Console& console) : console_(console) {}

  void Log(LogLevel, std::string_view message, std::initializer_list<LogField> fields) override {
    std::string line(message);
    for (const LogField& field : fields) {
      line.append(&field == fields.begin() ? ": " : ", ").append(field.value);
    }
    const std::lock_guard lock(mutex_);
    console_.Note(line);
  }

 private:
  std::mutex mutex_;
  Console& console_;
};

}  // namespace godwit::cli
