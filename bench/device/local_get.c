/* Gets a local model again and again on one open client, between two lines on standard error that
 * a trace of its system calls can be cut by.
 *   device_local_get URL PROJECT APP_ID API_KEY DIRECTORY ADDRESS COUNT */
#include <stdio.h>
#include <stdlib.h>

#include "godwit/client.h"

int main(int argc, char** argv) {
  if (argc != 8) return 2;
  godwit_client_options options = GODWIT_CLIENT_OPTIONS_INIT;
  options.server_url = argv[1];
  options.project_id = argv[2];
  options.app_id = argv[3];
  options.api_key = argv[4];
  options.directory = argv[5];
  godwit_client* client = NULL;
  godwit_model* model = NULL;
  godwit_error error;
  if (godwit_client_open(&options, &client, &error) != GODWIT_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  const int count = atoi(argv[7]);
  for (int i = 0; i <= count; ++i) { /* The first call is not counted. */
    if (i == 1) fputs("begin\n", stderr);
    if (godwit_client_get_model(client, argv[6], GODWIT_LOCAL_MODEL, NULL, &model, &error) !=
        GODWIT_OK) {
      fprintf(stderr, "%s\n", error.message);
      return 1;
    }
    if (i < count) godwit_model_close(model);
  }
  fputs("end\n", stderr);
  puts(godwit_model_path(model));
  godwit_model_close(model);
  godwit_client_close(client);
  return 0;
}
