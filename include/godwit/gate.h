/* The activation gate: judges a new version of a model before the device switches to it. */
#ifndef GODWIT_GATE_H_
#define GODWIT_GATE_H_

#include <stdint.h>

#include "godwit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Why a version was refused, for the server's statistics. */
typedef enum godwit_gate_reason {
  GODWIT_GATE_UNSAFE_OPERATOR = 15, /* Known to damage the interpreter. */
  GODWIT_GATE_NOT_LOADABLE = 16,    /* No model, or the interpreter does not take it. */
  GODWIT_GATE_CRASH = 17,           /* The trial run crashed. */
  GODWIT_GATE_TIMEOUT = 18,         /* The trial run did not end in time. */
  GODWIT_GATE_GOLDEN_MISMATCH = 19, /* Other outputs than the golden ones. */
  GODWIT_GATE_TOO_SLOW = 20,        /* Over the latency budget. */
  GODWIT_GATE_APP = 21              /* A rule of the app's own. */
} godwit_gate_reason;

/* A version whose file is on the device, checked against its SHA-256. Borrowed
 * for the length of the call, as are its strings. */
typedef struct godwit_gate_candidate {
  uint32_t version;           /* GODWIT_GATE_CANDIDATE_VERSION: the struct's, not the model's. */
  const char* name;           /* The address by which it was asked for. */
  const char* path;           /* Of its file. */
  const char* hash;           /* Lower-case hex SHA-256 of the file. */
  uint64_t size_bytes;        /* Of the file. */
  uint64_t model_version;     /* Counts from 1; 0 when the server did not say. */
  const char* golden_path;    /* Of its golden inputs (docs/formats/golden.md); NULL: none. */
  godwit_gate_reason* reason; /* Out, never NULL: GODWIT_GATE_APP until the callback writes it. */
} godwit_gate_candidate;

#define GODWIT_GATE_CANDIDATE_VERSION 1

/* Decides whether the device may switch to the candidate. Called on a thread
 * of the client, for one version of a model at a time, after the structure of
 * the file was found sound; may block; must not call the client.
 *
 * GODWIT_OK            the device switches
 * GODWIT_GATE_REFUSED  the version is bad: the old one stays, error->message
 *                      goes to the log and to the caller, and this device does
 *                      not try the version again
 * any other            the gate could not judge (say, it ran out of memory):
 *                      the old one stays, and the next try asks again
 */
typedef godwit_status (*godwit_gate_callback)(const godwit_gate_candidate* candidate,
                                              void* user_data, godwit_error* error);

#ifdef __cplusplus
}
#endif

#endif /* GODWIT_GATE_H_ */
