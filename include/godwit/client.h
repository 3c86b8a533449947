/* The client: gets models from a godwit server and keeps them on the device. */
#ifndef GODWIT_CLIENT_H_
#define GODWIT_CLIENT_H_

#include <stddef.h>
#include <stdint.h>

#include "godwit/gate.h"
#include "godwit/model.h"
#include "godwit/platform.h"
#include "godwit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A connection to one server and one store directory. Safe to use from any
 * thread. Several clients, in several processes, may share a directory. */
typedef struct godwit_client godwit_client;

typedef enum godwit_log_level {
  GODWIT_LOG_DEBUG = 0,
  GODWIT_LOG_INFO = 1,
  GODWIT_LOG_WARNING = 2,
  GODWIT_LOG_ERROR = 3
} godwit_log_level;

/* Receives one log line, on any thread of the client, and must not call the
 * client. message belongs to the receiver: release it with
 * godwit_string_release(). */
typedef void (*godwit_log_callback)(godwit_log_level level, char* message, void* user_data);

typedef struct godwit_client_options {
  uint32_t version;                   /* GODWIT_CLIENT_OPTIONS_VERSION. */
  const char* server_url;             /* "https://models.example.org". Required. */
  const char* project_id;             /* Required. */
  const char* app_id;                 /* "1:123:linux:abc". Required. */
  const char* api_key;                /* Required. */
  const char* directory;              /* Of the store; created if missing. Required. */
  const char* ca_file;                /* PEM, trusted instead of the system's; NULL: those. */
  uint64_t receive_limit_bytes_per_s; /* Of model files; 0: no limit. */
  uint32_t stall_timeout_ms;          /* So long too slow, a request fails; 0: 30000. */
  godwit_log_callback on_log;         /* NULL: no log. */
  void* log_user_data;
  const char* app_version;   /* "2.1.0", told to the server with every check; NULL: none. */
  godwit_gate_callback gate; /* Judges new versions; NULL: their structure alone is checked. */
  void* gate_user_data;
  uint64_t store_bytes_max; /* Of all files of this app's models, those on their way in too; 0: no
                               limit. */
  const godwit_platform* platform;  /* Copied; what knows the device. NULL: the system is asked. */
  uint64_t free_disk_reserve_bytes; /* Of the disk, never used for models. */
  uint64_t daily_bytes_max;  /* Of model files, a day of UTC, by all processes; 0: no limit. */
  uint32_t check_interval_s; /* 60 or more: looks for newer versions by itself, so often. */
  const struct godwit_download_conditions* check_conditions; /* Of what these find; NULL: none. */
  uint32_t parallel_downloads;                               /* Files at once, at most 64; 0: 2. */
  /* Servers that stand in, in this order, when server_url is out: mirrors of it, with the same
   * data and signing keys. The store is server_url's, whichever answers. At most 8. */
  const char* const* fallback_urls;
  uint32_t fallback_url_count;
  /* "http://proxy.example.org:3128"; https, socks5 and socks5h, too. "": none. NULL: as the
   * environment says (http_proxy, https_proxy, all_proxy, no_proxy). */
  const char* proxy_url;
  /* "sha256//" and the Base64 of a SHA-256 of a public key (SubjectPublicKeyInfo): one of them must
   * be the key of each host that the client talks to, file hosts, too. At most 16. */
  const char* const* pins;
  uint32_t pin_count;
  uint32_t stall_bytes_per_s; /* Slower than this for stall_timeout_ms, a request fails; 0: 1. */
  /* Models that the app ships, and seeds.json, as `godwit model pull --seed` makes them; NULL:
   * none. Such a model is the local one, in place and without the network, when the store has
   * none, or a lower version that came before this seed. Its file must stay as it is. */
  const char* seed_directory;
  int events_consent; /* Not 0: as godwit_client_set_events_consent(client, 1). */
} godwit_client_options;

#define GODWIT_CLIENT_OPTIONS_VERSION 1
/* clang-format off */
#define GODWIT_CLIENT_OPTIONS_INIT \
  {GODWIT_CLIENT_OPTIONS_VERSION, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
/* clang-format on */

/* Opens the store and returns a client in *out. Reads and may write the disk,
 * never the network.
 *
 * options: copied; need not outlive the call.
 * out:     on success, release it with godwit_client_close(). NULL on failure.
 *
 * GODWIT_INVALID_ARGUMENT     an option is missing or malformed, or its version is unknown
 * GODWIT_FAILED_PRECONDITION  the directory belongs to a newer format
 * GODWIT_NOT_ENOUGH_SPACE, GODWIT_PERMISSION_DENIED, GODWIT_IO  the disk
 */
GODWIT_API godwit_status godwit_client_open(const godwit_client_options* options,
                                            godwit_client** out, godwit_error* error);

/* Cancels what still runs, waits for its threads, and releases the client.
 * Requests may outlive it: their results stay readable. NULL is allowed. */
GODWIT_API void godwit_client_close(godwit_client* client);

/* How a local model and the server's are weighed against each other. */
typedef enum godwit_download_type {
  /* The local model; if there is none, as GODWIT_LATEST_MODEL. */
  GODWIT_LOCAL_MODEL = 0,
  /* The local model, and an update of it in the background for the next call;
   * if there is none, as GODWIT_LATEST_MODEL. */
  GODWIT_LOCAL_MODEL_UPDATE_IN_BACKGROUND = 1,
  /* The server's current model, downloaded unless it is the local one. Fails
   * when the server cannot be asked, even if there is a local model. */
  GODWIT_LATEST_MODEL = 2
} godwit_download_type;

/* What must hold while a model's file is downloaded. A local model is returned
 * and the server is asked whether or not they hold. What is known not to hold is
 * waited for, and the transfer goes on by itself when it holds; one that is lost
 * in the middle stops the transfer, and what has arrived is kept. What is not
 * known fails at once with GODWIT_CONDITIONS_UNMET. */
typedef struct godwit_download_conditions {
  uint32_t version;       /* GODWIT_DOWNLOAD_CONDITIONS_VERSION. */
  int wifi_required;      /* Not 0: the way to the internet must be Wi-Fi. */
  int charging_required;  /* Not 0: the device must be on external power. */
  int idle_required;      /* Not 0: nobody may be using the device. */
  int unmetered_required; /* Not 0: the network must not cost by the byte. */
  uint32_t wait_ms;       /* At most, in one go; then GODWIT_CONDITIONS_UNMET. */
} godwit_download_conditions;

#define GODWIT_WAIT_FOREVER UINT32_MAX

#define GODWIT_DOWNLOAD_CONDITIONS_VERSION 1
#define GODWIT_DOWNLOAD_CONDITIONS_INIT \
  {GODWIT_DOWNLOAD_CONDITIONS_VERSION, 0, 0, 0, 0, GODWIT_WAIT_FOREVER}

/* Tells what the app knows of the device, from now on. Each answer that is not
 * GODWIT_ANSWER_UNKNOWN goes before what the platform says. */
GODWIT_API void godwit_client_set_device_state(godwit_client* client,
                                               const godwit_device_state* state);

/* The platform's state callback would answer otherwise than before: it is called,
 * and downloads that wait look again. */
GODWIT_API void godwit_client_platform_changed(godwit_client* client);

/* Tells the server something of the app or the device with every check from now
 * on, as in "tier" = "paid": people see it in `godwit explain`. The library
 * tells os, os_version, device and locale where it knows them; an app that knows
 * better may set those, too. No personal data belong here. The
 * first call may read a small file.
 *
 * key:   1 to 32 of a-z, 0-9 and _, a letter first.
 * value: printable UTF-8 of at most 256 bytes; NULL or "" removes the field.
 *
 * GODWIT_INVALID_ARGUMENT    the key or the value is malformed
 * GODWIT_RESOURCE_EXHAUSTED  more than 32 fields, or 1024 bytes in all, encoded
 */
GODWIT_API godwit_status godwit_client_set_context(godwit_client* client, const char* key,
                                                   const char* value, godwit_error* error);

/* Gets a model and blocks until it is there: no network for a local model, else
 * the server is asked and the file downloaded, checked against its SHA-256 and
 * made durable; the old model stays until then. An interrupted download is
 * resumed by the next call, also after a crash. Calls for the same model share
 * one download, across threads and processes.
 *
 * address:    "face", "face@7" (version 7) or "face@stable" (an alias).
 * conditions: NULL: none.
 * out:        on success, release it with godwit_model_close(). NULL on failure.
 *
 * GODWIT_INVALID_ARGUMENT       the address or another argument is malformed
 * GODWIT_NOT_FOUND              the server offers no such model
 * GODWIT_PERMISSION_DENIED      the API key or the app id is refused
 * GODWIT_UNAUTHENTICATED        the installation is refused, twice
 * GODWIT_NO_NETWORK_CONNECTION, GODWIT_UNAVAILABLE, GODWIT_DEADLINE_EXCEEDED,
 * GODWIT_RESOURCE_EXHAUSTED     after several tries; later it may work
 * GODWIT_CONDITIONS_UNMET       a new model is there, but a condition is not known, or did not
 *                               hold for wait_ms
 * GODWIT_GATE_REFUSED           the new version is bad for this device; the old one stays
 * GODWIT_QUARANTINED            the server's version ended the app twice while it was loaded
 * GODWIT_MODEL_HASH_MISMATCH    the server sent other bytes than it announced, twice
 * GODWIT_DOWNLOAD_URL_EXPIRED   three links in a row were refused as expired
 * GODWIT_NOT_ENOUGH_SPACE       the disk, or store_bytes_max
 * GODWIT_IO                     the disk
 * GODWIT_CANCELLED              the client was closed
 */
GODWIT_API godwit_status godwit_client_get_model(godwit_client* client, const char* address,
                                                 godwit_download_type type,
                                                 const godwit_download_conditions* conditions,
                                                 godwit_model** out, godwit_error* error);

/* One call's wait for a model. Safe to use from any thread. */
typedef struct godwit_request godwit_request;

/* What the server offers, and how much of it this device lacks. */
typedef struct godwit_model_info {
  uint32_t version;       /* GODWIT_MODEL_INFO_VERSION; set by the caller. */
  uint64_t model_version; /* Counts from 1; 0: the server did not say. */
  char hash[65];          /* Lower-case hex SHA-256 of the file. */
  uint64_t size_bytes;    /* Of the file. */
  uint64_t bytes_needed;  /* To be downloaded; what an earlier call left is not. */
  int is_local;           /* 1: it is this device's model already. */
} godwit_model_info;

#define GODWIT_MODEL_INFO_VERSION 1
#define GODWIT_MODEL_INFO_INIT {GODWIT_MODEL_INFO_VERSION, 0, {0}, 0, 0, 0}

/* Asks the server what godwit_client_get_model() with GODWIT_LATEST_MODEL would
 * get, and downloads nothing: to ask a user before many bytes are spent. Blocks
 * on the network; fails as that call does before its download.
 *
 * info: filled on success, else its version alone stays.
 */
GODWIT_API godwit_status godwit_client_check_model(godwit_client* client, const char* address,
                                                   godwit_model_info* info, godwit_error* error);

/* As godwit_client_get_model(), but returns at once with a request in *out;
 * errors of the download come from godwit_request_wait(). Release it with
 * godwit_request_close(). */
GODWIT_API godwit_status godwit_client_start_get_model(godwit_client* client, const char* address,
                                                       godwit_download_type type,
                                                       const godwit_download_conditions* conditions,
                                                       godwit_request** out, godwit_error* error);

/* Blocks until the request is finished, at most timeout_ms.
 *
 * out: on success, a new handle to the model; release it with godwit_model_close().
 *      NULL: only wait.
 *
 * GODWIT_DEADLINE_EXCEEDED when the time is up and godwit_request_is_finished()
 * is still 0, with what it waits for in the message; else as godwit_client_get_model().
 */
GODWIT_API godwit_status godwit_request_wait(godwit_request* request, uint32_t timeout_ms,
                                             godwit_model** out, godwit_error* error);

/* 1 once godwit_request_wait() would return at once with the outcome, else 0. */
GODWIT_API int godwit_request_is_finished(const godwit_request* request);

/* Ends this request with GODWIT_CANCELLED unless it is finished. The download
 * itself ends with the last request that waits for it; what has arrived is kept
 * for the next. Does not block; may be called twice. */
GODWIT_API void godwit_request_cancel(godwit_request* request);

/* Bytes of the file that are on the disk, and all that it will have; both 0
 * until the server has answered, or when no download is needed. */
GODWIT_API void godwit_request_progress(const godwit_request* request, uint64_t* bytes_done,
                                        uint64_t* bytes_total);

/* Cancels the request unless it is finished, and releases it. NULL is allowed. */
GODWIT_API void godwit_request_close(godwit_request* request);

/* The models in the store, by name, without those that the app ships; reads the
 * disk only.
 *
 * out: on success, release it with godwit_model_list_close(). NULL on failure.
 *
 * GODWIT_STORE_CORRUPT, GODWIT_IO  the disk
 */
GODWIT_API godwit_status godwit_client_list_models(godwit_client* client, godwit_model_list** out,
                                                   godwit_error* error);

/* Forgets a model; its file goes when no app can still use it. One that the app
 * ships stays. Disk only.
 *
 * GODWIT_NOT_FOUND  it is not in the store
 * GODWIT_IO         the disk
 */
GODWIT_API godwit_status godwit_client_delete_model(godwit_client* client, const char* address,
                                                    godwit_error* error);

/* pinned not 0: this model is never removed to make room for another
 * (store_bytes_max), whether or not it is here yet; 0: it may be again, which is
 * how every model begins. Kept in the store. Disk only.
 *
 * GODWIT_NOT_ENOUGH_SPACE, GODWIT_PERMISSION_DENIED, GODWIT_IO  the disk
 */
GODWIT_API godwit_status godwit_client_pin_model(godwit_client* client, const char* address,
                                                 int pinned, godwit_error* error);

/* Hashes the file of every model, which takes about a second for 500 MB, and
 * drops those that the disk has damaged: the next call for them downloads them
 * anew. One file a day is looked at without this call, after a download or a
 * check with the server. Disk only.
 *
 * whole, dropped: how many models there are of each; NULL is allowed.
 *
 * GODWIT_UNAVAILABLE  one is damaged, and stays while something is downloaded
 * GODWIT_IO           the disk
 */
GODWIT_API godwit_status godwit_client_verify(godwit_client* client, uint32_t* whole,
                                              uint32_t* dropped, godwit_error* error);

/* This installation's id, 22 characters; made on first use. Disk only.
 *
 * out: on success, release it with godwit_string_release(). NULL on failure.
 *
 * GODWIT_NOT_ENOUGH_SPACE, GODWIT_IO  the disk
 */
GODWIT_API godwit_status godwit_client_installation_id(godwit_client* client, char** out,
                                                       godwit_error* error);

/* Whether the user lets the server know what happens to models on this device:
 * downloads, failures and their reasons, loads, crashes, as sums by day
 * (docs/guides/events.md). Without that, which is the default, nothing is
 * recorded or sent; 0 erases what was recorded and not sent. It is not kept: say
 * it each time a client is opened. Disk only.
 *
 * GODWIT_PERMISSION_DENIED, GODWIT_IO  the disk; nothing more is recorded or sent
 */
GODWIT_API godwit_status godwit_client_set_events_consent(godwit_client* client, int consent,
                                                          godwit_error* error);

/* Around each load of a model into an interpreter. A version that ends the app
 * twice in a row between the two calls is quarantined on this device: it is
 * loaded no third time, and its model falls back to the previous version, if
 * there is one. Counted across processes; several may load at the same time.
 * godwit_model_load_begin() writes the disk, durably (milliseconds).
 *
 * GODWIT_QUARANTINED  do not load it: get the model again
 * any other           this load is not counted; it may go on
 */
GODWIT_API godwit_status godwit_model_load_begin(godwit_client* client, const godwit_model* model,
                                                 godwit_error* error);
/* The load is over, well or with an error. Does nothing without a begin. */
GODWIT_API void godwit_model_load_end(godwit_client* client, const godwit_model* model);

/* Goes on, in the background, with updates that an earlier process began in the
 * background and did not finish. With check_interval_s the client does this by
 * itself. Disk only.
 *
 * count: how many there are; NULL: not told.
 *
 * GODWIT_IO  the disk
 */
GODWIT_API godwit_status godwit_client_finish_updates(godwit_client* client, uint32_t* count,
                                                      godwit_error* error);

/* Blocks until no download runs, not in the background either, but for what waits
 * for a condition or is paused; a later process finishes that. A program that
 * ends after one call needs it: godwit_client_close() would cancel the update. */
GODWIT_API void godwit_client_wait_until_idle(godwit_client* client);

/* NULL is allowed. */
GODWIT_API void godwit_string_release(char* text);

/* "0.1.0". A constant. */
GODWIT_API const char* godwit_version(void);

#ifdef __cplusplus
}
#endif

#endif /* GODWIT_CLIENT_H_ */
