// For tests: prints the device's state, and again each time it changes, until stdin ends.
#include <cstdio>
#include <mutex>

#include "platform/platform.h"

int main() {
  const auto platform = godwit::NewSystemPlatform();
  std::mutex mutex;
  const auto print = [&] {
    const godwit::DeviceState state = platform->State();
    const std::lock_guard lock(mutex);
    const auto word = [](godwit::Answer answer) {
      return answer == godwit::Answer::kUnknown ? "unknown"
             : answer == godwit::Answer::kYes   ? "yes"
                                                : "no";
    };
    std::printf("wifi=%s metered=%s charging=%s idle=%s\n", word(state.on_wifi),
                word(state.metered), word(state.charging), word(state.idle));
    std::fflush(stdout);
  };
  print();
  platform->OnChange(print);
  while (std::getchar() != EOF) {
  }
  platform->OnChange(nullptr);
}
