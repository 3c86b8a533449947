/* Status: what every function that can fail returns, and the message that comes with it. */
#ifndef GODWIT_STATUS_H_
#define GODWIT_STATUS_H_

#include <stdint.h>

#if defined(GODWIT_STATIC)
#define GODWIT_API
#elif defined(_WIN32)
#if defined(GODWIT_BUILDING)
#define GODWIT_API __declspec(dllexport)
#else
#define GODWIT_API __declspec(dllimport)
#endif
#else
#define GODWIT_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The list is closed, and a number never changes. 0 to 17 are google.rpc's and Firebase's,
 * 101 to 121 are Firebase's, those from 200 are ours. */
typedef enum godwit_status {
  GODWIT_OK = 0,
  GODWIT_CANCELLED = 1,              /* The caller asked for it. */
  GODWIT_UNKNOWN = 2,                /* The peer failed in a way that it did not explain. */
  GODWIT_INVALID_ARGUMENT = 3,       /* The call is wrong; do not retry. */
  GODWIT_DEADLINE_EXCEEDED = 4,      /* Took too long; retrying later may succeed. */
  GODWIT_NOT_FOUND = 5,              /* The thing asked for does not exist. */
  GODWIT_ALREADY_EXISTS = 6,         /* It is there already; read it instead. */
  GODWIT_PERMISSION_DENIED = 7,      /* The credentials do not allow it. */
  GODWIT_RESOURCE_EXHAUSTED = 8,     /* A limit or quota is reached; see the message. */
  GODWIT_FAILED_PRECONDITION = 9,    /* Not in this state; see the message. */
  GODWIT_ABORTED = 10,               /* A concurrent change won; read again, then retry. */
  GODWIT_OUT_OF_RANGE = 11,          /* Past the end of a file or a list. */
  GODWIT_UNIMPLEMENTED = 12,         /* Known, but not offered here. */
  GODWIT_INTERNAL = 13,              /* A bug in godwit. Please report it. */
  GODWIT_UNAVAILABLE = 14,           /* Network or server; retrying later may succeed. */
  GODWIT_DATA_LOSS = 15,             /* Bytes do not match their digest or format. */
  GODWIT_UNAUTHENTICATED = 16,       /* Credentials are missing, wrong or expired. */
  GODWIT_NO_NETWORK_CONNECTION = 17, /* There is no network at all. */
  GODWIT_NOT_ENOUGH_SPACE = 101,     /* The disk is full; free space, then retry. */
  GODWIT_MODEL_HASH_MISMATCH = 102,  /* The downloaded file is not the announced one. */
  GODWIT_DOWNLOAD_URL_EXPIRED = 121, /* The link ran out; ask for a new one. */
  GODWIT_CONDITIONS_UNMET = 200,     /* A download condition does not hold (yet). */
  GODWIT_QUARANTINED = 201,          /* This version crashed here before. */
  GODWIT_GATE_REFUSED = 202,         /* The activation gate refused the new version. */
  GODWIT_STORE_CORRUPT = 203,        /* The device's store is damaged; see the message. */
  GODWIT_RUNTIME_MISSING = 204,      /* No interpreter library was found. */
  GODWIT_IO = 205                    /* The disk failed in another way than being full. */
} godwit_status;

#define GODWIT_ERROR_MESSAGE_MAX 1024

/* Filled by a function that fails; owned by the caller. After a success it is
 * {GODWIT_OK, ""}. The message says cause, consequence and next step, in
 * UTF-8, for a person; it is cut at a character's boundary when too long. */
typedef struct godwit_error {
  godwit_status code;
  char message[GODWIT_ERROR_MESSAGE_MAX];
} godwit_error;

/* "NOT_FOUND" for GODWIT_NOT_FOUND; "UNKNOWN" for a number that is none of
 * the list. A constant; never NULL. */
GODWIT_API const char* godwit_status_name(godwit_status status);

#ifdef __cplusplus
}
#endif

#endif /* GODWIT_STATUS_H_ */
