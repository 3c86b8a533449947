#include "server/logging/line_logger.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "testing/manual_clock.h"

namespace godwit::server {
namespace {

std::string LineOf(LogFormat format, LogLevel level_min, LogLevel level) {
  int pipe_ends[2];
  EXPECT_EQ(pipe(pipe_ends), 0);
  const testing::ManualClock clock;
  LineLogger logger(pipe_ends[1], format, level_min, clock);
  logger.Log(level, "request refused", {{"peer", "::1"}, {"path", "/a b\n\"\x01"}});
  close(pipe_ends[1]);
  std::string line(4096, '\0');
  const ssize_t count = read(pipe_ends[0], line.data(), line.size());
  close(pipe_ends[0]);
  line.resize(static_cast<size_t>(count));
  return line;
}

TEST(LineLogger, WritesOneLineOfText) {
  EXPECT_EQ(LineOf(LogFormat::kText, LogLevel::kInfo, LogLevel::kWarning),
            "time=2026-01-02T03:04:05.678Z level=warning message=\"request refused\" peer=::1 "
            "path=\"/a b\\n\\\"\\u0001\"\n");
}

TEST(LineLogger, WritesOneLineOfJson) {
  EXPECT_EQ(LineOf(LogFormat::kJson, LogLevel::kInfo, LogLevel::kError),
            "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"error\","
            "\"message\":\"request refused\",\"peer\":\"::1\",\"path\":\"/a b\\n\\\"\\u0001\"}\n");
}

TEST(LineLogger, DropsWhatIsBelowItsLevel) {
  EXPECT_EQ(LineOf(LogFormat::kText, LogLevel::kWarning, LogLevel::kInfo), "");
}

TEST(LineLogger, RefusesUnknownLevelsAndFormats) {
  EXPECT_EQ(ParseLogLevel("loud").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ParseLogFormat("xml").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(*ParseLogLevel("debug"), LogLevel::kDebug);
}

}  // namespace
}  // namespace godwit::server
