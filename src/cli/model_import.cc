#include "cli/model_import.h"

#include <algorithm>
#include <utility>

#include "cli/model_file.h"
#include "cli/model_push.h"
#include "cli/text_format.h"

namespace godwit::cli {
namespace {

constexpr const char* kWords[] = {"imported", "there already", "would import", "skipped", "failed"};

bool IsTransient(const Status& status) {
  return status.code() == StatusCode::kUnavailable ||
         status.code() == StatusCode::kDeadlineExceeded ||
         status.code() == StatusCode::kNoNetworkConnection;
}

// The version that holds the digest; 0 when none does.
int64_t VersionWith(const std::vector<Json>& versions, const Digest& digest) {
  const std::string hex = digest.ToHex();
  for (const Json& version : versions) {
    if (version["sha256"].AsString() == hex) return version["version"].AsInt();
  }
  return 0;
}

}  // namespace

void ModelImport::Run(const std::vector<ImportCandidate>& candidates) {
  for (const ImportCandidate& candidate : candidates) {
    Result<Record> record = Import(candidate);
    if (!record.ok()) {
      may_succeed_later_ = may_succeed_later_ || IsTransient(record.status());
      record = Record{Outcome::kFailed, 0, false, record.status().message()};
    }
    Report(candidate, *record);
  }
}

Result<ModelImport::Record> ModelImport::Import(const ImportCandidate& candidate) {
  if (!candidate.obstacle.empty()) {
    return Record{Outcome::kSkipped, 0, false, candidate.obstacle};
  }
  GODWIT_RETURN_IF_ERROR(candidate.failure);
  GODWIT_ASSIGN_OR_RETURN(const Existing existing, Find(candidate.name));
  if (candidate.digest) {
    const int64_t version = VersionWith(existing.versions, *candidate.digest);
    if (version > 0) return Complete(candidate, existing.model, version, Outcome::kPresent);
    if (!existing.versions.empty() && !options_.update) return ClashOf(candidate);
  }
  if (options_.dry_run) return Plan(candidate, existing);
  return Send(candidate, existing);
}

Result<ModelImport::Existing> ModelImport::Find(const std::string& name) {
  Existing existing;
  auto found = target_.FindModel(name);
  if (!found.ok() && found.status().code() == StatusCode::kNotFound) return existing;
  GODWIT_ASSIGN_OR_RETURN(existing.model, std::move(found));
  GODWIT_ASSIGN_OR_RETURN(existing.versions, target_.ListVersions(ModelId(existing.model)));
  return existing;
}

Status ModelImport::ClashOf(const ImportCandidate& candidate) const {
  return Status(StatusCode::kAlreadyExists,
                "the server has a model '" + candidate.name +
                    "' with another file, so it was left alone; --update gives it this file as "
                    "its next version, or rename it: godwit model update " +
                    candidate.name + " --name NAME");
}

Result<ModelImport::Record> ModelImport::Plan(const ImportCandidate& candidate,
                                              const Existing& existing) const {
  Record record{Outcome::kPlanned, 0, candidate.publish, ""};
  if (!existing.versions.empty() && !candidate.digest) {
    record.detail =
        "the server has a model of this name; whether it holds the same file shows "
        "once the file is here";
  } else if (!existing.versions.empty()) {
    record.detail = "as the next version of the model that is there";
  }
  return record;
}

Result<ModelImport::Record> ModelImport::Send(const ImportCandidate& candidate,
                                              const Existing& existing) {
  GODWIT_ASSIGN_OR_RETURN(const std::string path, candidate.fetch());
  GODWIT_ASSIGN_OR_RETURN(const ModelFile opened, OpenModelFile(path));
  ModelPush push;
  push.name = candidate.name;
  push.file = path;
  push.bytes = opened.file.bytes();
  push.digest = DigestOf(push.bytes);
  push.tags = candidate.tags;
  if (candidate.digest && *candidate.digest != push.digest) {
    return Status(StatusCode::kModelHashMismatch,
                  "the file is not the one that the model had (another SHA-256), so it was not "
                  "sent; find the right one");
  }
  if (const int64_t version = VersionWith(existing.versions, push.digest); version > 0) {
    if (candidate.done) candidate.done();
    return Complete(candidate, existing.model, version, Outcome::kPresent);
  }
  if (!existing.versions.empty() && !options_.update) return ClashOf(candidate);
  GODWIT_ASSIGN_OR_RETURN(const PushedModel pushed, PushModel(context_, target_, push));
  if (candidate.done) candidate.done();
  return Complete(candidate, pushed.model, pushed.model["latestVersion"].AsInt(),
                  Outcome::kImported);
}

Result<ModelImport::Record> ModelImport::Complete(const ImportCandidate& candidate,
                                                  const Json& model, int64_t version,
                                                  Outcome outcome) {
  int64_t published = model["publishedVersion"].AsInt();
  if (candidate.publish && published != version) {
    GODWIT_ASSIGN_OR_RETURN(const bool undecided, IsUndecided(model, version));
    if (undecided && !options_.dry_run) {
      GODWIT_RETURN_IF_ERROR(PublishVersion(target_, model, version).status());
    }
    if (undecided) published = version;
  }
  // An earlier import may not have known them.
  if (!candidate.tags.empty() && model["tags"].items().empty() && !options_.dry_run) {
    GODWIT_RETURN_IF_ERROR(SetTags(target_, model, candidate.tags).status());
  }
  return Record{outcome, version, published == version, ""};
}

Result<bool> ModelImport::IsUndecided(const Json& model, int64_t version) {
  GODWIT_ASSIGN_OR_RETURN(const std::vector<Json> publications,
                          target_.ListPublications(ModelId(model)));
  if (publications.empty() && model["publishedVersion"].AsInt() == 0) return true;
  return options_.update && version == model["latestVersion"].AsInt() &&
         std::ranges::none_of(publications, [version](const Json& publication) {
           return publication["version"].AsInt() == version;
         });
}

void ModelImport::Report(const ImportCandidate& candidate, const Record& record) {
  const auto index = static_cast<size_t>(record.outcome);
  ++counts_[index];
  const std::string address =
      candidate.name + (record.version > 0 ? "@" + std::to_string(record.version) : "");
  if (context_.json) {
    Json line = Json::Object({{"name", Json(candidate.name)},
                              {"origin", Json(candidate.origin)},
                              {"outcome", Json(kWords[index])}});
    if (record.version > 0) line.Set("version", Json(record.version));
    if (record.outcome < Outcome::kSkipped) line.Set("published", Json(record.published));
    if (!record.detail.empty()) line.Set("detail", Json(record.detail));
    report_.Add(std::move(line));
    return;
  }
  std::string line = PadRight(kWords[index], 13) + "  " + Printable(address);
  if (record.published) line += ", published";
  if (candidate.origin != candidate.name) line += " (" + Printable(candidate.origin) + ")";
  if (!record.detail.empty()) line += ": " + Printable(record.detail);
  context_.console.Print(line + "\n");
}

Status ModelImport::Finish() {
  if (context_.json) context_.console.PrintJson(Json::Object({{"models", report_}}));
  std::string sum;
  for (size_t i = 0; i < std::size(kWords); ++i) {
    if (counts_[i] == 0) continue;
    sum += (sum.empty() ? "" : ", ") + std::to_string(counts_[i]) + " " + kWords[i];
  }
  context_.console.Note(sum.empty() ? "there is no model to import" : sum);
  const int failed = counts_[static_cast<size_t>(Outcome::kFailed)];
  if (failed == 0) return Status::Ok();
  return Status(may_succeed_later_ ? StatusCode::kUnavailable : StatusCode::kFailedPrecondition,
                std::to_string(failed) + (failed == 1 ? " model was" : " models were") +
                    " not imported, for the reasons above; the same command tries again and "
                    "leaves alone what is there");
}

}  // namespace godwit::cli
