/* Testing: a client without a network, for the unit tests of apps. Of the library godwit_testing,
 * which is libgodwit with these functions: link it in a test in place of libgodwit. Whatever takes
 * a godwit_client* runs unchanged: downloads, conditions, progress, the store and its files are
 * the real ones; only the server is in memory, and does as the test says. */
#ifndef GODWIT_TESTING_H_
#define GODWIT_TESTING_H_

#include <stddef.h>
#include <stdint.h>

#include "godwit/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Opens a client whose server has no models yet.
 *
 * directory: for its store: an empty one of the test's, which removes it after; or one of an
 *            earlier client, as if the app had started again.
 * out:       on success, release it with godwit_client_close(). NULL on failure.
 *
 * GODWIT_INVALID_ARGUMENT  directory or out is NULL
 * GODWIT_NOT_ENOUGH_SPACE, GODWIT_PERMISSION_DENIED, GODWIT_IO  the disk
 */
GODWIT_API godwit_status godwit_testing_client_create(const char* directory, godwit_client** out,
                                                      godwit_error* error);

/* From now on the server offers these bytes under this address. The client learns of it as it
 * would of a new version: when it asks.
 *
 * address:    "face", "face@7" or "face@stable"; each stands for itself.
 * bytes:      copied; any bytes, for nothing here runs them. NULL: the server offers it no more.
 * version:    counts from 1; 0: the server does not say.
 *
 * GODWIT_INVALID_ARGUMENT  the address is malformed, or the client is none of this library's
 */
GODWIT_API godwit_status godwit_testing_set_model(godwit_client* client, const char* address,
                                                  const void* bytes, size_t size_bytes,
                                                  uint64_t version, godwit_error* error);

/* The next call that asks the server for a model fails with this status; once. Several queue up.
 *
 * message: a part of the error's message; copied. NULL: none.
 *
 * GODWIT_INVALID_ARGUMENT  status is GODWIT_OK, or the client is none of this library's
 */
GODWIT_API godwit_status godwit_testing_fail_next(godwit_client* client, godwit_status status,
                                                  const char* message, godwit_error* error);

/* While offline is not 0, every request fails with GODWIT_NO_NETWORK_CONNECTION.
 *
 * GODWIT_INVALID_ARGUMENT  the client is none of this library's
 */
GODWIT_API godwit_status godwit_testing_set_offline(godwit_client* client, int offline,
                                                    godwit_error* error);

/* How often the client asked for a model, answered or not. 0 for a client that is none of this
 * library's. */
GODWIT_API uint64_t godwit_testing_request_count(const godwit_client* client);

#ifdef __cplusplus
}
#endif

#endif /* GODWIT_TESTING_H_ */
