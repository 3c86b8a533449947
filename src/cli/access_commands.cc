#include "cli/access_commands.h"

#include <span>
#include <utility>

namespace godwit::cli {

Result<AdminClient> ConnectTo(Context& context, const std::string& project) {
  GODWIT_ASSIGN_OR_RETURN(AdminSettings settings, context.settings.Admin());
  if (!project.empty()) settings.project_id = project;
  return AdminClient(context.http, context.clock, std::move(settings));
}

Result<Json> OutcomeOf(const Json& operation) {
  if (operation["done"].AsBool() && operation["response"].is_object()) return operation["response"];
  return Status(StatusCode::kUnknown,
                "the server's answer is no done operation, so it is no godwit server; check the "
                "address");
}

Result<std::unique_ptr<SecretFile>> SecretFile::Create(Context& context, const std::string& path) {
  auto file = context.fs.Open(path, OpenMode::kCreateNew);
  if (file.status().code() == StatusCode::kAlreadyExists) {
    return Status(StatusCode::kAlreadyExists,
                  "'" + path + "' exists already, so nothing was done; name a new file");
  }
  if (!file.ok()) return file.status();
  return std::unique_ptr<SecretFile>(new SecretFile(context, path, std::move(file).value()));
}

SecretFile::~SecretFile() {
  if (file_) (void)context_.fs.Remove(path_);
}

Status SecretFile::Write(std::string_view text) {
  GODWIT_RETURN_IF_ERROR(file_->WriteAt(0, std::as_bytes(std::span(text))));
  GODWIT_RETURN_IF_ERROR(file_->Sync());
  GODWIT_RETURN_IF_ERROR(context_.fs.SyncDirectory(ParentPath(path_)));
  file_.reset();
  return Status::Ok();
}

Status SecretLost(const Status& why, const Status& deleted, const std::string& again,
                  const std::string& remove) {
  return Status(
      why.code(),
      why.message() + (deleted.ok()
                           ? ", so the new key was deleted again; then: " + again
                           : ", and the new key lives on, held by nobody; delete it: " + remove));
}

}  // namespace godwit::cli
