/* Uses the library as a C program does: plain C99, the installed headers, the shared library.
 * Needs no network: what it asks for fails in the way it should. */
#include <godwit/client.h>
#include <godwit/request.h>
#include <stdio.h>
#include <string.h>

static int failures = 0;
static int log_lines = 0;

#define EXPECT(condition)                                             \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                     \
    }                                                                 \
  } while (0)

static void on_log(godwit_log_level level, char* message, void* user_data) {
  EXPECT(level >= GODWIT_LOG_DEBUG && level <= GODWIT_LOG_ERROR);
  EXPECT(strlen(message) > 0);
  godwit_string_release(message);
  ++*(int*)user_data;
}

static godwit_client_options good_options(const char* directory) {
  godwit_client_options options = GODWIT_CLIENT_OPTIONS_INIT;
  options.server_url = "http://127.0.0.1:1"; /* Nothing listens there. */
  options.project_id = "godwit";
  options.app_id = "1:1:linux:a";
  options.api_key = "AIzaTest";
  options.directory = directory;
  options.on_log = on_log;
  options.log_user_data = &log_lines;
  return options;
}

static void test_wrong_calls(const char* directory) {
  godwit_client_options options = good_options(directory);
  godwit_client* client = (godwit_client*)&options;
  godwit_error error;
  EXPECT(godwit_client_open(NULL, &client, &error) == GODWIT_INVALID_ARGUMENT);
  EXPECT(client == NULL);
  EXPECT(godwit_client_open(&options, NULL, &error) == GODWIT_INVALID_ARGUMENT);
  options.version = 99;
  EXPECT(godwit_client_open(&options, &client, NULL) == GODWIT_INVALID_ARGUMENT);
  options = good_options(directory);
  options.pin_count = 1;
  EXPECT(godwit_client_open(&options, &client, &error) == GODWIT_INVALID_ARGUMENT);
  EXPECT(strstr(error.message, "pins") != NULL);
  options = good_options(directory);
  options.proxy_url = "proxy.example.org:3128";
  EXPECT(godwit_client_open(&options, &client, &error) == GODWIT_INVALID_ARGUMENT);
  EXPECT(strstr(error.message, "proxy_url") != NULL);
  options = good_options(directory);
  options.api_key = NULL;
  EXPECT(godwit_client_open(&options, &client, &error) == GODWIT_INVALID_ARGUMENT);
  EXPECT(error.code == GODWIT_INVALID_ARGUMENT);
  EXPECT(strstr(error.message, "api_key") != NULL);
  godwit_client_close(NULL);
  godwit_request_close(NULL);
  godwit_model_close(NULL);
  godwit_model_list_close(NULL);
  godwit_string_release(NULL);
}

static void test_settings(godwit_client* client) {
  godwit_error error;

  EXPECT(godwit_client_set_context(client, "tier", "paid", &error) == GODWIT_OK);
  EXPECT(godwit_client_set_context(client, "tier", NULL, &error) == GODWIT_OK);
  EXPECT(godwit_client_set_context(client, "Tier", "paid", &error) == GODWIT_INVALID_ARGUMENT);
  EXPECT(godwit_client_set_context(client, NULL, "paid", &error) == GODWIT_INVALID_ARGUMENT);
  EXPECT(godwit_client_set_events_consent(client, 1, &error) == GODWIT_OK);
  EXPECT(godwit_client_set_events_consent(client, 0, &error) == GODWIT_OK);
  EXPECT(godwit_client_set_events_consent(NULL, 1, &error) == GODWIT_INVALID_ARGUMENT);
}

static void test_client(const char* directory) {
  godwit_client_options options = good_options(directory);
  godwit_download_conditions conditions = GODWIT_DOWNLOAD_CONDITIONS_INIT;
  godwit_client* client = NULL;
  godwit_request* request = NULL;
  godwit_model* model = NULL;
  godwit_model_list* list = NULL;
  godwit_error error;
  godwit_device_state state = GODWIT_DEVICE_STATE_INIT;
  uint32_t dropped = 7, updates = 7;
  char reason[GODWIT_REQUEST_REASON_MAX];
  char* id = NULL;
  char* same_id = NULL;
  uint64_t done = 1, total = 1;

  EXPECT(godwit_client_open(&options, &client, &error) == GODWIT_OK);
  EXPECT(error.code == GODWIT_OK && error.message[0] == '\0');
  if (client == NULL) return;

  EXPECT(godwit_client_list_models(client, &list, &error) == GODWIT_OK);
  EXPECT(godwit_model_list_count(list) == 0);
  EXPECT(godwit_model_list_get(list, 0) == NULL);
  godwit_model_list_close(list);

  EXPECT(godwit_client_installation_id(client, &id, &error) == GODWIT_OK);
  EXPECT(godwit_client_installation_id(client, &same_id, NULL) == GODWIT_OK);
  EXPECT(strlen(id) == 22 && strcmp(id, same_id) == 0);
  godwit_string_release(id);
  godwit_string_release(same_id);

  EXPECT(godwit_client_get_model(client, "a/b", GODWIT_LOCAL_MODEL, NULL, &model, &error) ==
         GODWIT_INVALID_ARGUMENT);
  EXPECT(godwit_client_get_model(client, "face", (godwit_download_type)7, NULL, &model, &error) ==
         GODWIT_INVALID_ARGUMENT);
  conditions.version = 0;
  EXPECT(godwit_client_get_model(client, "face", GODWIT_LOCAL_MODEL, &conditions, &model, &error) ==
         GODWIT_INVALID_ARGUMENT);
  EXPECT(model == NULL);
  EXPECT(godwit_client_delete_model(client, "face", &error) == GODWIT_NOT_FOUND);
  EXPECT(godwit_client_pin_model(client, "face", 1, &error) == GODWIT_OK);
  EXPECT(godwit_client_pin_model(client, "face", 0, NULL) == GODWIT_OK);
  EXPECT(godwit_client_pin_model(client, NULL, 1, &error) == GODWIT_INVALID_ARGUMENT);
  EXPECT(godwit_client_verify(client, NULL, &dropped, &error) == GODWIT_OK && dropped == 0);

  state.on_wifi = GODWIT_ANSWER_YES;
  godwit_client_set_device_state(client, &state);
  godwit_client_platform_changed(client);
  EXPECT(godwit_client_finish_updates(client, &updates, &error) == GODWIT_OK && updates == 0);
  test_settings(client);
  EXPECT(godwit_client_start_get_model(client, "face", GODWIT_LATEST_MODEL, NULL, &request,
                                       &error) == GODWIT_OK);
  godwit_request_progress(request, &done, &total);
  godwit_request_pause(request);
  godwit_request_resume(request);
  godwit_request_set_priority(request, 3);
  EXPECT(done == 0 && total == 0);
  EXPECT(godwit_request_wait(request, 0, NULL, &error) != GODWIT_OK);
  godwit_request_cancel(request);
  EXPECT(godwit_request_is_finished(request) == 1);
  EXPECT(godwit_request_state(request, reason) == GODWIT_DOWNLOAD_FINISHED && reason[0] == 0);
  EXPECT(godwit_request_wait(request, GODWIT_WAIT_FOREVER, &model, &error) == GODWIT_CANCELLED);
  EXPECT(model == NULL);

  godwit_client_close(client); /* The request may outlive it. */
  EXPECT(godwit_request_wait(request, 0, NULL, NULL) == GODWIT_CANCELLED);
  godwit_request_close(request);
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  EXPECT(strcmp(godwit_status_name(GODWIT_MODEL_HASH_MISMATCH), "MODEL_HASH_MISMATCH") == 0);
  EXPECT(strcmp(godwit_status_name((godwit_status)9999), "UNKNOWN") == 0);
  EXPECT(strlen(godwit_version()) > 0);
  test_wrong_calls(argv[1]);
  test_client(argv[1]);
  return failures == 0 ? 0 : 1;
}
