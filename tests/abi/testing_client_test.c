/* Tests an app's function as an app's author would, with libgodwit_testing in place of libgodwit.
 */
#include <godwit/testing.h>
#include <stdio.h>
#include <string.h>

static int failures = 0;

#define EXPECT(condition)                                             \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                     \
    }                                                                 \
  } while (0)

/* The app: the latest face model, else the one that it has; how many bytes it read, or -1. */
static long load_face(godwit_client* client, char* bytes, size_t room) {
  godwit_model* model = NULL;
  long count = -1;
  if (godwit_client_get_model(client, "face", GODWIT_LATEST_MODEL, NULL, &model, NULL) !=
      GODWIT_OK) {
    godwit_client_get_model(client, "face", GODWIT_LOCAL_MODEL, NULL, &model, NULL);
  }
  if (model != NULL) {
    FILE* const file = fopen(godwit_model_path(model), "rb");
    if (file != NULL) {
      count = (long)fread(bytes, 1, room, file);
      fclose(file);
    }
  }
  godwit_model_close(model);
  return count;
}

static void test_the_app(const char* directory) {
  godwit_client* client = NULL;
  godwit_model_info info = GODWIT_MODEL_INFO_INIT;
  godwit_error error;
  char bytes[64];
  EXPECT(godwit_testing_client_create(directory, &client, &error) == GODWIT_OK);
  if (client == NULL) return;
  EXPECT(load_face(client, bytes, sizeof bytes) == -1);
  EXPECT(godwit_testing_request_count(client) == 2); /* Latest, and local for want of one. */

  EXPECT(godwit_testing_set_model(client, "face", "first", 5, 1, &error) == GODWIT_OK);
  EXPECT(load_face(client, bytes, sizeof bytes) == 5 && memcmp(bytes, "first", 5) == 0);
  EXPECT(godwit_testing_set_model(client, "face", "second!", 7, 2, &error) == GODWIT_OK);
  EXPECT(godwit_client_check_model(client, "face", &info, &error) == GODWIT_OK);
  EXPECT(info.size_bytes == 7 && info.bytes_needed == 7 && info.model_version == 2);
  EXPECT(strlen(info.hash) == 64 && !info.is_local);
  EXPECT(godwit_client_check_model(client, "mood", &info, &error) == GODWIT_NOT_FOUND);
  EXPECT(info.size_bytes == 0 && info.hash[0] == 0);
  info.version = 99;
  EXPECT(godwit_client_check_model(client, "face", &info, &error) == GODWIT_INVALID_ARGUMENT);
  EXPECT(godwit_testing_fail_next(client, GODWIT_UNAVAILABLE, "down", &error) == GODWIT_OK);
  EXPECT(load_face(client, bytes, sizeof bytes) == 5); /* It falls back. */
  EXPECT(load_face(client, bytes, sizeof bytes) == 7 && memcmp(bytes, "second!", 7) == 0);

  EXPECT(godwit_testing_set_offline(client, 1, &error) == GODWIT_OK);
  EXPECT(load_face(client, bytes, sizeof bytes) == 7);
  EXPECT(godwit_testing_set_offline(client, 0, &error) == GODWIT_OK);
  EXPECT(godwit_testing_set_model(client, "face", NULL, 0, 0, &error) == GODWIT_OK);
  EXPECT(load_face(client, bytes, sizeof bytes) == 7);
  godwit_client_close(client);
}

static void test_every_failure(const char* directory) {
  static const godwit_status statuses[] = {
      GODWIT_NOT_FOUND,          GODWIT_PERMISSION_DENIED, GODWIT_UNAUTHENTICATED,
      GODWIT_UNAVAILABLE,        GODWIT_DEADLINE_EXCEEDED, GODWIT_RESOURCE_EXHAUSTED,
      GODWIT_NOT_ENOUGH_SPACE,   GODWIT_GATE_REFUSED,      GODWIT_NO_NETWORK_CONNECTION,
      GODWIT_MODEL_HASH_MISMATCH};
  godwit_client* client = NULL;
  godwit_error error;
  size_t i;
  EXPECT(godwit_testing_client_create(directory, &client, &error) == GODWIT_OK);
  if (client == NULL) return;
  EXPECT(godwit_testing_set_model(client, "mood@7", "m", 1, 7, &error) == GODWIT_OK);
  for (i = 0; i < sizeof statuses / sizeof statuses[0]; ++i) {
    godwit_model* model = NULL;
    EXPECT(godwit_testing_fail_next(client, statuses[i], "as the test says", &error) == GODWIT_OK);
    EXPECT(godwit_client_get_model(client, "mood@7", GODWIT_LATEST_MODEL, NULL, &model, &error) ==
           statuses[i]);
    EXPECT(strstr(error.message, "as the test says") != NULL);
    EXPECT(godwit_client_get_model(client, "mood@7", GODWIT_LATEST_MODEL, NULL, &model, &error) ==
           GODWIT_OK);
    godwit_model_close(model);
  }
  EXPECT(godwit_testing_fail_next(client, GODWIT_OK, NULL, &error) == GODWIT_INVALID_ARGUMENT);
  EXPECT(godwit_testing_set_model(client, "no/name", "m", 1, 1, &error) == GODWIT_INVALID_ARGUMENT);
  EXPECT(godwit_testing_set_model(NULL, "face", "m", 1, 1, &error) == GODWIT_INVALID_ARGUMENT);
  godwit_client_close(client);
  EXPECT(godwit_testing_client_create(NULL, &client, &error) == GODWIT_INVALID_ARGUMENT);
  EXPECT(client == NULL);
}

int main(int argc, char** argv) {
  char other[1000];
  if (argc != 2) return 2;
  snprintf(other, sizeof other, "%s-failures", argv[1]);
  test_the_app(argv[1]);
  test_every_failure(other);
  return failures == 0 ? 0 : 1;
}
