/* Platform: how an app's plug-in tells the client what the system knows of the device. On Linux
 * none is needed: NetworkManager, UPower and logind are asked. */
#ifndef GODWIT_PLATFORM_H_
#define GODWIT_PLATFORM_H_

#include <stdint.h>

#include "godwit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum godwit_answer {
  GODWIT_ANSWER_UNKNOWN = 0,
  GODWIT_ANSWER_NO = 1,
  GODWIT_ANSWER_YES = 2
} godwit_answer;

typedef struct godwit_device_state {
  uint32_t version;       /* GODWIT_DEVICE_STATE_VERSION. */
  godwit_answer on_wifi;  /* The way to the internet is Wi-Fi. */
  godwit_answer metered;  /* It costs by the byte, or has a cap. */
  godwit_answer charging; /* On external power, full or not. */
  godwit_answer idle;     /* Nobody uses the device. */
} godwit_device_state;

#define GODWIT_DEVICE_STATE_VERSION 1
#define GODWIT_DEVICE_STATE_INIT                                              \
  {GODWIT_DEVICE_STATE_VERSION, GODWIT_ANSWER_UNKNOWN, GODWIT_ANSWER_UNKNOWN, \
   GODWIT_ANSWER_UNKNOWN, GODWIT_ANSWER_UNKNOWN}

/* Asked for the device's state when a download has conditions, and again after
 * godwit_client_platform_changed(). */
typedef struct godwit_platform {
  uint32_t version; /* GODWIT_PLATFORM_VERSION. */

  /* Fills *state, where all is unknown, as of now. Called on any thread; must be
   * quick, and must not call the client. Required. */
  void (*state)(godwit_device_state* state, void* user_data);
  void* user_data;
} godwit_platform;

#define GODWIT_PLATFORM_VERSION 1
#define GODWIT_PLATFORM_INIT {GODWIT_PLATFORM_VERSION, 0, 0}

#ifdef __cplusplus
}
#endif

#endif /* GODWIT_PLATFORM_H_ */
