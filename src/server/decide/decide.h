// Decide: which version of a model a device gets, and why.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "protocol/model_address.h"
#include "server/registry/registry_snapshot.h"

namespace godwit::server {

// What a device asks of one model. Views of the request.
struct Question {
  int64_t version = 0;     // Of `face@7`; else 0.
  std::string_view alias;  // Of `face@stable`; else empty.
  std::string_view fid;    // The installation that asks, from its valid token; else empty.
};

// The rules in the order in which they are asked.
enum class Rule {
  kModel,         // Is there such a model?
  kExactVersion,  // `face@7`: that version and no other.
  kAlias,         // `face@stable`: the alias's version.
  kTestDevice,    // The installation has a version of its own; not with an exact version.
  kPublished,     // The published version; without one, devices do not see the model.
  kRevoked,       // A revoked version gives way to the newest older one, an exact one to nothing.
};

// "model", "exactVersion", "alias" …
std::string_view RuleName(Rule rule);

enum class Verdict {
  kPassed,   // The rule says nothing about this question.
  kChosen,   // It names a version; a later rule may take it away.
  kRefused,  // It takes a version away, or there is none.
};

// "passed", "chosen", "refused".
std::string_view VerdictName(Verdict verdict);

// One rule's answer, for a person.
struct DecisionStep {
  Rule rule = Rule::kModel;
  Verdict verdict = Verdict::kPassed;
  int64_t version = 0;  // That it is about; 0: none.
  std::string reason;   // The value that decided.
};
using DecisionTrace = std::vector<DecisionStep>;

enum class Outcome { kVersion, kNoModel, kNoVersion, kNoAlias, kNotPublished, kRevoked };

struct Choice {
  Outcome outcome = Outcome::kNoModel;
  Rule rule = Rule::kModel;          // That decided.
  const Version* version = nullptr;  // Set with kVersion; the model's.
  const Version* revoked = nullptr;  // What the device would have got but for its revocation.
};

// Within one model. Allocates nothing unless there is a trace to write.
Choice Choose(const Model& model, const Question& question, DecisionTrace* trace = nullptr);

struct Decision {
  ModelPointer model;  // Owns what the choice points to; null when there is none.
  Choice choice;
  Status status;  // Ok with a version; else kNotFound, with what to tell the device's developer.
};

// The same for an address, whose name is a display name first, then a model's id. fid: as in
// Question.
Decision Decide(const RegistrySnapshot& registry, int64_t project_number,
                const ModelAddress& address, std::string_view fid, DecisionTrace* trace = nullptr);

}  // namespace godwit::server
