#include "server/decide/decide.h"

#include "base/time_format.h"

namespace godwit::server {
namespace {

// One question's way through the rules. The reasons are functions, so that without a trace no text
// is made.
class Deciding {
 public:
  Deciding(const Model& model, const Question& question, DecisionTrace* trace)
      : model_(model), question_(question), trace_(trace) {}

  Choice Run() {
    if (question_.version != 0) return RunExact();
    if (!question_.alias.empty() && !TakeAlias()) return choice_;
    if (TakeTestDevice()) return choice_;
    if (!CheckPublished()) return choice_;
    return question_.alias.empty() ? SkipRevoked() : RefuseRevoked();
  }

 private:
  template <typename Reason>
  void Note(Rule rule, Verdict verdict, int64_t version, Reason reason) {
    if (trace_ != nullptr) trace_->push_back({rule, verdict, version, reason()});
  }

  // The version is what the rule wants, for now.
  bool Take(Rule rule, int64_t number) {
    choice_.rule = rule;
    choice_.version = model_.FindVersion(number);
    choice_.outcome = choice_.version == nullptr ? Outcome::kNoVersion : Outcome::kVersion;
    if (choice_.version == nullptr) {
      Note(rule, Verdict::kRefused, number, [&] { return At(number) + " is not kept (any more)"; });
    }
    return choice_.version != nullptr;
  }

  bool Refuse(Rule rule, Outcome outcome) {
    choice_.rule = rule;
    choice_.outcome = outcome;
    choice_.version = nullptr;
    return false;
  }

  std::string At(int64_t number) const {
    return model_.display_name + "@" + std::to_string(number);
  }

  bool IsRevoked(const Version& version) const {
    return model_.FindRevoked(version.digest) != nullptr;
  }

  // REQUIRES: IsRevoked.
  std::string RevocationText(const Version& version) const {
    const Version& revoked = *model_.FindRevoked(version.digest);
    const Revocation& revocation = *revoked.revocation;
    return At(version.number) +
           (revoked.number == version.number
                ? ""
                : " has the bytes of " + At(revoked.number) + ", which") +
           " was revoked by " + revocation.actor + " at " + FormatTimeMillis(revocation.time_ms) +
           (revocation.reason.empty() ? "" : ": " + revocation.reason);
  }

  Choice RunExact() {
    if (!Take(Rule::kExactVersion, question_.version)) return choice_;
    Note(Rule::kExactVersion, Verdict::kChosen, question_.version,
         [&] { return "the app asks for " + At(question_.version) + " and no other"; });
    return CheckPublished() ? RefuseRevoked() : choice_;
  }

  bool TakeAlias() {
    const Alias* alias = model_.FindAlias(question_.alias);
    if (alias == nullptr) {
      Note(Rule::kAlias, Verdict::kRefused, 0,
           [&] { return "there is no alias '" + std::string(question_.alias) + "'"; });
      return Refuse(Rule::kAlias, Outcome::kNoAlias);
    }
    if (!Take(Rule::kAlias, alias->version)) return false;
    Note(Rule::kAlias, Verdict::kChosen, alias->version,
         [&] { return "the alias '" + alias->name + "' points to " + At(alias->version); });
    return true;
  }

  bool TakeTestDevice() {
    const TestDevice* device =
        question_.fid.empty() ? nullptr : model_.FindTestDevice(question_.fid);
    if (device == nullptr) {
      Note(Rule::kTestDevice, Verdict::kPassed, 0, [&] { return NoTestDeviceText(); });
      return false;
    }
    const Version* version = model_.FindVersion(device->version);
    if (version == nullptr || IsRevoked(*version)) {
      Note(Rule::kTestDevice, Verdict::kPassed, device->version, [&] {
        return "the installation is a test device for " + At(device->version) + ", but " +
               (version == nullptr ? "that is not kept (any more)" : RevocationText(*version));
      });
      return false;
    }
    Note(Rule::kTestDevice, Verdict::kChosen, device->version, [&] {
      return "the installation is a test device for " + At(device->version) +
             (device->note.empty() ? "" : " (" + device->note + ")");
    });
    choice_ = {Outcome::kVersion, Rule::kTestDevice, version, nullptr};
    return true;
  }

  std::string NoTestDeviceText() const {
    if (model_.test_devices.empty()) return "the model has no test devices";
    if (question_.fid.empty()) return "the device told no installation id";
    return "the installation is none of the model's " + std::to_string(model_.test_devices.size()) +
           " test devices";
  }

  // Without a published version devices do not see the model, whatever they ask for.
  bool CheckPublished() {
    if (model_.published == 0) {
      Note(Rule::kPublished, Verdict::kRefused, 0, [] { return "nothing of it is published"; });
      return Refuse(Rule::kPublished, Outcome::kNotPublished);
    }
    if (choice_.version != nullptr) return true;
    if (!Take(Rule::kPublished, model_.published)) return false;
    Note(Rule::kPublished, Verdict::kChosen, model_.published, [&] {
      return At(model_.published) + " is published" +
             (model_.latest > model_.published
                  ? "; the latest is " + At(model_.latest) + ", which is not"
                  : "");
    });
    return true;
  }

  // For who asks for one version and no other.
  Choice RefuseRevoked() {
    const Version& version = *choice_.version;
    if (!IsRevoked(version)) return choice_;
    Note(Rule::kRevoked, Verdict::kRefused, version.number,
         [&] { return RevocationText(version); });
    choice_.revoked = &version;
    Refuse(Rule::kRevoked, Outcome::kRevoked);
    return choice_;
  }

  Choice SkipRevoked() {
    const Version& published = *choice_.version;
    if (!IsRevoked(published)) return choice_;
    const Version* usable = model_.NewestUsable(published.number);
    if (trace_ != nullptr) {
      for (const Version* skipped = &published; skipped != usable; --skipped) {
        Note(Rule::kRevoked, Verdict::kRefused, skipped->number,
             [&] { return RevocationText(*skipped); });
        if (skipped == model_.versions.data()) break;
      }
    }
    choice_.revoked = &published;
    choice_.rule = Rule::kRevoked;
    choice_.version = usable;
    choice_.outcome = usable == nullptr ? Outcome::kRevoked : Outcome::kVersion;
    if (usable == nullptr) {
      Note(Rule::kRevoked, Verdict::kRefused, 0, [] { return "no older version is left"; });
    } else {
      Note(Rule::kRevoked, Verdict::kChosen, usable->number,
           [&] { return At(usable->number) + " is the newest older version that is not revoked"; });
    }
    return choice_;
  }

  const Model& model_;
  const Question& question_;
  DecisionTrace* const trace_;
  Choice choice_;
};

// Why a device gets nothing.
std::string_view OutcomeText(Outcome outcome) {
  switch (outcome) {
    case Outcome::kVersion:
      return "";
    case Outcome::kNoModel:
      return "there is no such model; look for a typing error in its name";
    case Outcome::kNoVersion:
      return "the model has no such version (any more)";
    case Outcome::kNoAlias:
      return "the model has no such alias";
    case Outcome::kNotPublished:
      return "nothing of it is published; publish a version first";
    case Outcome::kRevoked:
      return "the version was revoked, so no device gets it any more; publish another";
  }
  return "";
}

}  // namespace

std::string_view RuleName(Rule rule) {
  switch (rule) {
    case Rule::kModel:
      return "model";
    case Rule::kExactVersion:
      return "exactVersion";
    case Rule::kAlias:
      return "alias";
    case Rule::kTestDevice:
      return "testDevice";
    case Rule::kPublished:
      return "published";
    case Rule::kRevoked:
      return "revoked";
  }
  return "";
}

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed:
      return "passed";
    case Verdict::kChosen:
      return "chosen";
    case Verdict::kRefused:
      return "refused";
  }
  return "";
}

Choice Choose(const Model& model, const Question& question, DecisionTrace* trace) {
  return Deciding(model, question, trace).Run();
}

Decision Decide(const RegistrySnapshot& registry, int64_t project_number,
                const ModelAddress& address, std::string_view fid, DecisionTrace* trace) {
  Decision decision;
  decision.model = registry.FindByName(project_number, address.name);
  const bool by_name = decision.model != nullptr;
  if (!by_name) decision.model = registry.FindById(project_number, address.name);
  if (trace != nullptr) {
    const std::string quoted = "'" + address.name + "'";
    trace->push_back(
        decision.model
            ? DecisionStep{Rule::kModel, Verdict::kPassed, 0,
                           by_name ? quoted + " is the model " + decision.model->id
                                   : quoted + " is the id of " + decision.model->display_name}
            : DecisionStep{Rule::kModel, Verdict::kRefused, 0,
                           "no model has the name or the id " + quoted});
  }
  if (decision.model) {
    decision.choice = Choose(*decision.model, {address.version, address.alias, fid}, trace);
  }
  if (decision.choice.outcome != Outcome::kVersion) {
    decision.status = Status(
        StatusCode::kNotFound,
        "model '" + address.ToString() + "': " + std::string(OutcomeText(decision.choice.outcome)));
  }
  return decision;
}

}  // namespace godwit::server
