// godwit/request.h over ModelRequest.
#include "capi/handles.h"
#include "godwit/request.h"

godwit_download_state godwit_request_state(const godwit_request* request, char* reason) {
  const godwit::RequestStatus status = request->request->status();
  if (reason != nullptr) godwit::capi::CutText(status.reason, reason, GODWIT_REQUEST_REASON_MAX);
  return static_cast<godwit_download_state>(status.state);
}

void godwit_request_pause(godwit_request* request) { request->request->Pause(); }

void godwit_request_resume(godwit_request* request) { request->request->Resume(); }

void godwit_request_set_priority(godwit_request* request, int32_t priority) {
  request->request->SetPriority(priority);
}
