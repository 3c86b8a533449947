// The names in a store's folder: docs/formats/store.md.
#pragma once

#include <string_view>

namespace godwit {

constexpr std::string_view kMarkerFile = "format";
constexpr std::string_view kInstallationFile = "installation";
constexpr std::string_view kRecordFolder = "records";
constexpr std::string_view kBlobFolder = "blobs";
constexpr std::string_view kPartialFolder = "partial";
constexpr std::string_view kPinFolder = "pins";
constexpr std::string_view kSeedFolder = "seeds";
constexpr std::string_view kScrubFile = "scrub";
constexpr std::string_view kLockFolder = "locks";
constexpr std::string_view kTrialFolder = "trials";
constexpr std::string_view kTrialLock = "trials";
constexpr std::string_view kLoadingSuffix = ".loading";
constexpr std::string_view kStoreLock = "store";
constexpr std::string_view kInstallationLock = "installation";
constexpr std::string_view kPendingFolder = "pending";
constexpr std::string_view kDataBudgetFile = "data_budget";  // Its lock has the same name,
constexpr std::string_view kChecksFile = "checks";           // and so has this one's.
constexpr std::string_view kEventsFile = "events";
constexpr std::string_view kEventsLock = "events";
constexpr std::string_view kUnusedSuffix = ".unused";

}  // namespace godwit
