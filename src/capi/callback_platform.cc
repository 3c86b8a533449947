#include "capi/callback_platform.h"

namespace godwit::capi {
namespace {

Answer ReadAnswer(godwit_answer answer) {
  if (answer == GODWIT_ANSWER_YES) return Answer::kYes;
  return answer == GODWIT_ANSWER_NO ? Answer::kNo : Answer::kUnknown;
}

}  // namespace

DeviceState ReadDeviceState(const godwit_device_state& state) {
  return {.on_wifi = ReadAnswer(state.on_wifi),
          .metered = ReadAnswer(state.metered),
          .charging = ReadAnswer(state.charging),
          .idle = ReadAnswer(state.idle)};
}

DeviceState CallbackPlatform::State() {
  godwit_device_state state = GODWIT_DEVICE_STATE_INIT;
  platform_.state(&state, platform_.user_data);
  return ReadDeviceState(state);
}

}  // namespace godwit::capi
