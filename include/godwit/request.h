/* What an app may see and decide while it waits for a model. */
#ifndef GODWIT_REQUEST_H_
#define GODWIT_REQUEST_H_

#include <stdint.h>

#include "godwit/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A number never changes. */
typedef enum godwit_download_state {
  GODWIT_DOWNLOAD_QUEUED = 0,      /* Other downloads go first. */
  GODWIT_DOWNLOAD_CHECKING = 1,    /* The server is asked. */
  GODWIT_DOWNLOAD_WAITING = 2,     /* For a condition, or to try again; the reason says. */
  GODWIT_DOWNLOAD_PAUSED = 3,      /* By all who wait for this download. */
  GODWIT_DOWNLOAD_DOWNLOADING = 4, /* Bytes come, here or in another process. */
  GODWIT_DOWNLOAD_ACTIVATING = 5,  /* The file is judged and becomes the model. */
  GODWIT_DOWNLOAD_FINISHED = 6     /* godwit_request_wait() returns at once. */
} godwit_download_state;

#define GODWIT_REQUEST_REASON_MAX 256

/* The state of the download that this request waits for, whoever else does. Does
 * not block.
 *
 * reason: a buffer of GODWIT_REQUEST_REASON_MAX bytes, or NULL; gets a text for a
 *         person like "waiting for Wi-Fi", or "" when the state says all.
 */
GODWIT_API godwit_download_state godwit_request_state(const godwit_request* request, char* reason);

/* The transfer stops while all who wait for it paused; what has arrived is kept,
 * and another process may go on with it. Neither blocks; each may be called
 * twice. */
GODWIT_API void godwit_request_pause(godwit_request* request);
GODWIT_API void godwit_request_resume(godwit_request* request);

/* 0 at first; the highest of all who wait for a download counts. Of the files
 * that could be downloaded, parallel_downloads with the highest priority are; a
 * higher one takes the place of a lower one, which goes on after it. */
GODWIT_API void godwit_request_set_priority(godwit_request* request, int32_t priority);

#ifdef __cplusplus
}
#endif

#endif /* GODWIT_REQUEST_H_ */
