/* A model that lies in the device's store: where its file is and what it is. */
#ifndef GODWIT_MODEL_H_
#define GODWIT_MODEL_H_

#include <stddef.h>
#include <stdint.h>

#include "godwit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One downloaded and checked model. Never changes; safe to use from any thread.
 * Its file stays readable for as long as the app has it open or mapped, and
 * under its path for at least 24 hours after a newer one took its place. Only a
 * store with a budget (store_bytes_max) may remove the path sooner, to make room
 * for another model: there, open the file at once and get the model anew when it
 * is not found. */
typedef struct godwit_model godwit_model;

/* Strings are borrowed until the model is closed; never NULL for a model. */
GODWIT_API const char* godwit_model_name(const godwit_model* model);
/* Path of the file, absolute if the client's directory was. */
GODWIT_API const char* godwit_model_path(const godwit_model* model);
/* Lower-case hex SHA-256 of the file: equal hashes are equal models. */
GODWIT_API const char* godwit_model_hash(const godwit_model* model);
GODWIT_API uint64_t godwit_model_size_bytes(const godwit_model* model);
/* Counts from 1; 0 when the server did not say. */
GODWIT_API uint64_t godwit_model_version(const godwit_model* model);

/* Releases the handle, not the file. NULL is allowed. */
GODWIT_API void godwit_model_close(godwit_model* model);

/* What godwit_client_list_models() found. Never changes. */
typedef struct godwit_model_list godwit_model_list;

GODWIT_API size_t godwit_model_list_count(const godwit_model_list* list);
/* Borrowed until the list is closed: do not close it. NULL past the end. */
GODWIT_API const godwit_model* godwit_model_list_get(const godwit_model_list* list, size_t index);
/* NULL is allowed. */
GODWIT_API void godwit_model_list_close(godwit_model_list* list);

#ifdef __cplusplus
}
#endif

#endif /* GODWIT_MODEL_H_ */
