// ModelImport: models from elsewhere appear on the server under their names, one after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/admin_client.h"
#include "cli/commands.h"
#include "digest/digest.h"

namespace godwit::cli {

// One model to import.
struct ImportCandidate {
  std::string name;    // On the server.
  std::string origin;  // Where it is from, for people: "models/12345", "faces.tflite".
  std::vector<std::string> tags;
  bool publish = false;
  std::optional<Digest> digest;  // Of its file, where known before the file is here.
  std::string obstacle;          // Why there is nothing to import; empty: there is.
  Status failure;                // Not Ok: it cannot be imported, and somebody must act.
  // Brings the file here (blocks) and returns its path. It is asked only once it is needed.
  std::function<Result<std::string>()> fetch;
  // The file is on the server. May be empty.
  std::function<void()> done;
};

struct ImportOptions {
  bool dry_run = false;
  bool update = false;  // A model that is there with another file gets this one, too.
};

// Not thread-safe. Whatever stopped an earlier import, a second one ends as one that was never
// stopped: a file that a model has already is not sent again.
class ModelImport {
 public:
  // Borrows both.
  ModelImport(Context& context, AdminClient& target, const ImportOptions& options)
      : context_(context), target_(target), options_(options) {}

  // Prints one line a candidate; no failure stops the others. Blocks.
  void Run(const std::vector<ImportCandidate>& candidates);

  // Prints the sum. Not Ok when one of the models is not on the server: kUnavailable when
  // the same command may bring it there.
  Status Finish();

 private:
  enum class Outcome { kImported, kPresent, kPlanned, kSkipped, kFailed };
  struct Record {
    Outcome outcome = Outcome::kFailed;
    int64_t version = 0;
    bool published = false;
    std::string detail;
  };
  // A model of the server that has the candidate's name.
  struct Existing {
    Json model;  // Null: there is none.
    std::vector<Json> versions;
  };

  Result<Record> Import(const ImportCandidate& candidate);
  Result<Record> Plan(const ImportCandidate& candidate, const Existing& existing) const;
  Result<Existing> Find(const std::string& name);
  // Brings the file, checks it, sends it.
  Result<Record> Send(const ImportCandidate& candidate, const Existing& existing);
  // The version is there: gives it what an interrupted import left undone.
  Result<Record> Complete(const ImportCandidate& candidate, const Json& model, int64_t version,
                          Outcome outcome);
  // Nobody has published, withdrawn or rolled back what publishing this version would overrule.
  Result<bool> IsUndecided(const Json& model, int64_t version);
  Status ClashOf(const ImportCandidate& candidate) const;
  void Report(const ImportCandidate& candidate, const Record& record);

  Context& context_;
  AdminClient& target_;
  const ImportOptions options_;
  Json report_ = Json::Array();
  int counts_[5] = {};  // By outcome.
  bool may_succeed_later_ = false;
};

}  // namespace godwit::cli
