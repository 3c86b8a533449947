/* A device: gets a model, prints where it lies, and looks for a newer one meanwhile.
 *
 *   device SERVER_URL PROJECT_ID APP_ID API_KEY MODEL [DIRECTORY]
 *
 * The first four are in the server's credentials/app.json. */
#include <godwit/client.h>
#include <inttypes.h>
#include <stdio.h>

static int fail(const char* what, const godwit_error* error) {
  fprintf(stderr, "%s: %s (%s)\n", what, error->message, godwit_status_name(error->code));
  return 1;
}

int main(int argc, char** argv) {
  godwit_client_options options = GODWIT_CLIENT_OPTIONS_INIT;
  godwit_client* client = NULL;
  godwit_request* request = NULL;
  godwit_model* model = NULL;
  godwit_error error;
  godwit_status status;

  if (argc < 6) {
    fprintf(stderr, "usage: %s SERVER_URL PROJECT_ID APP_ID API_KEY MODEL [DIRECTORY]\n", argv[0]);
    return 2;
  }
  options.server_url = argv[1];
  options.project_id = argv[2];
  options.app_id = argv[3];
  options.api_key = argv[4];
  options.directory = argc > 6 ? argv[6] : "godwit-store";
  if (godwit_client_open(&options, &client, &error) != GODWIT_OK) {
    return fail("open the store", &error);
  }

  /* From the second run on this returns at once and updates in the background. */
  if (godwit_client_start_get_model(client, argv[5], GODWIT_LOCAL_MODEL_UPDATE_IN_BACKGROUND, NULL,
                                    &request, &error) != GODWIT_OK) {
    godwit_client_close(client);
    return fail("ask for the model", &error);
  }
  while (!godwit_request_is_finished(request)) {
    uint64_t done = 0, total = 0;
    godwit_request_wait(request, 200, NULL, NULL);
    godwit_request_progress(request, &done, &total);
    if (total > 0) fprintf(stderr, "%" PRIu64 " of %" PRIu64 " bytes\n", done, total);
  }
  status = godwit_request_wait(request, GODWIT_WAIT_FOREVER, &model, &error);
  godwit_request_close(request);

  if (status == GODWIT_OK) {
    printf("%s\n", godwit_model_path(model)); /* Give this to your interpreter. */
    godwit_model_close(model);
    godwit_client_wait_until_idle(client); /* An app that lives on need not. */
  }
  godwit_client_close(client);
  return status == GODWIT_OK ? 0 : fail("get the model", &error);
}
