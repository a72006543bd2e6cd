// What older versions need, in steps:
//
//   1. the files that versions of the log name and the newest one does not;
//   2. which of them are there. A vacuum takes the files that were replaced first, in one order
//      (ReplacedFiles): one that is missing although an earlier one is there was taken by nobody.
//      Other programs' vacuums leave deletion vectors alone, so of a data file only data files say
//      so. What is missing otherwise looks like the work of a vacuum;
//   3. the versions that lost a file to a vacuum cannot be read any more, as Versions() and
//      snapshots of them say too: what only those need is not looked at;
//   4. all others are read.

#include "core/verify_retained.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "core/table_schema.h"
#include "core/vacuum_plan.h"
#include "core/verify_part.h"
#include "parquet/part_layout.h"
#include "storage/deletion_vector.h"
#include "storage/file_names.h"

namespace viper::core {

RetainedFiles::RetainedFiles(const storage::TableLogAudit& audit, Verification& verification)
    : audit_(audit), verification_(verification) {
  CollectNeeds();
  if (needs_.empty()) return;
  SeeWhatIsThere();
  FindReadableVersions();
  for (const auto& [path, retired] : audit_.retired) {
    const auto need = needs_.find(path);
    if (need == needs_.end() || !need->second.is_there) continue;
    const auto& uses = need->second.uses;
    const auto is_needed = [this](const Use* use) { return IsNeeded(*use); };
    if (std::any_of(uses.begin(), uses.end(), is_needed)) bytes_ += retired.added.size;
  }
}

Status RetainedFiles::Verify() {
  TellMissing();
  for (const auto& [path, retired] : audit_.retired) {
    VIPER_RETURN_IF_ERROR(verification_.AddBytes(0));
    const auto is_needed = [this](const Use& use) { return IsNeeded(use); };
    if (std::none_of(retired.uses.begin(), retired.uses.end(), is_needed)) continue;
    VIPER_RETURN_IF_ERROR(VerifyFile(path, retired));
    VIPER_RETURN_IF_ERROR(VerifyVectors(path, retired));
  }
  return {};
}

std::vector<std::string> RetainedFiles::NamesOf(const std::string& path, const Use& use) const {
  std::vector<std::string> names;
  if (!audit_.state.files.contains(path)) names.push_back(path);
  if (!use.deletion_vector) return names;
  auto vector = storage::DeletionVectorPath(*use.deletion_vector);
  if (vector.ok() && *vector) names.push_back(std::move(**vector));
  return names;
}

void RetainedFiles::CollectNeeds() {
  for (const auto& [path, retired] : audit_.retired) {
    for (const Use& use : retired.uses) {
      for (const std::string& name : NamesOf(path, use)) needs_[name].uses.push_back(&use);
    }
  }
}

bool RetainedFiles::Exists(const std::string& name) const {
  const auto exists =
      verification_.files().Exists(storage::DataFilePath(verification_.directory(), name));
  // Where nobody can tell, reading it will.
  return !exists.ok() || *exists;
}

void RetainedFiles::SeeWhatIsThere() {
  std::vector<ReplacedFile> replaced;
  const auto newest =
      storage::TableLog::Make(verification_.files(), verification_.directory(), {})->Load();
  if (newest.ok()) {
    if (auto files = ReplacedFiles(*newest); files.ok()) replaced = std::move(*files);
  }
  // The last first: a vacuum that goes on meanwhile has taken what comes before it already.
  std::vector<bool> is_there(replaced.size());
  for (size_t i = replaced.size(); i-- > 0;) is_there[i] = Exists(replaced[i].path);
  std::set<std::string> seen;
  std::string first;
  std::string first_data_file;
  for (size_t i = 0; i < replaced.size(); ++i) {
    const ReplacedFile& file = replaced[i];
    if (is_there[i]) {
      if (first.empty()) first = file.path;
      if (first_data_file.empty() && !file.is_vector) first_data_file = file.path;
    }
    const auto need = needs_.find(file.path);
    if (need == needs_.end()) continue;
    seen.insert(file.path);
    need->second.is_there = is_there[i];
    if (!is_there[i]) need->second.left_before = file.is_vector ? first : first_data_file;
  }
  for (auto& [name, need] : needs_) {
    if (!seen.contains(name)) need.is_there = Exists(name);
  }
}

void RetainedFiles::FindReadableVersions() {
  std::vector<std::pair<int64_t, int64_t>> gone;
  for (const auto& [name, need] : needs_) {
    if (need.is_there || !need.left_before.empty()) continue;
    for (const Use* use : need.uses) gone.emplace_back(use->first_version, use->last_version);
  }
  std::sort(gone.begin(), gone.end());
  size_t next = 0;
  int64_t gone_to = -1;
  for (const storage::LogVersion& version : audit_.versions) {
    for (; next < gone.size() && gone[next].first <= version.version; ++next) {
      gone_to = std::max(gone_to, gone[next].second);
    }
    if (version.is_exact && version.version > gone_to) readable_.push_back(version.version);
  }
}

bool RetainedFiles::IsNeeded(const Use& use) const {
  const auto found = std::lower_bound(readable_.begin(), readable_.end(), use.first_version);
  return found != readable_.end() && *found <= use.last_version;
}

std::string RetainedFiles::VersionsText(const std::vector<const Use*>& uses) const {
  std::set<int64_t> versions;
  for (const Use* use : uses) {
    auto version = std::lower_bound(readable_.begin(), readable_.end(), use->first_version);
    for (; version != readable_.end() && *version <= use->last_version; ++version) {
      versions.insert(*version);
    }
  }
  if (versions.empty()) return {};
  const int64_t first = *versions.begin();
  const int64_t last = *versions.rbegin();
  std::string text = fmt::format("versions {} to {}", first, last);
  if (versions.size() == 1) text = fmt::format("version {}", first);
  if (static_cast<int64_t>(versions.size()) < last - first + 1) {
    text = fmt::format("{} versions from {} to {}", versions.size(), first, last);
  }
  return text + " of the table only; its newest does not need the file";
}

void RetainedFiles::TellMissing() {
  for (const auto& [name, need] : needs_) {
    if (need.is_there || need.left_before.empty()) continue;
    std::string versions = VersionsText(need.uses);
    if (versions.empty()) continue;
    verification_.AddTruth(
        {storage::DataFilePath(verification_.directory(), name), need.uses.back()->origin},
        fmt::format("the file is missing, and no vacuum took it: {} would have gone before it",
                    need.left_before),
        std::move(versions));
  }
}

Status RetainedFiles::VerifyFile(const std::string& path, const storage::RetiredFile& retired) {
  const auto need = needs_.find(path);
  if (need == needs_.end() || !need->second.is_there) return {};
  // The vectors that it has had are checked one by one.
  storage::AddedFile added = retired.added;
  added.deletion_vector.reset();
  PartSubject subject;
  subject.added = &added;
  subject.origin = retired.uses.back().origin;
  subject.schema_origin = retired.metadata_origin;
  subject.schema = SchemaOf(retired);
  subject.has_sparse_column = HasSparseColumn(*retired.metadata);
  const size_t before = verification_.finding_count();
  VIPER_RETURN_IF_ERROR(VerifyPart(subject, nullptr, verification_));
  FinishFindings(before, path, need->second.uses);
  return {};
}

Status RetainedFiles::VerifyVectors(const std::string& path, const storage::RetiredFile& retired) {
  const auto has_vector = [this](const Use& use) { return use.deletion_vector && IsNeeded(use); };
  if (std::none_of(retired.uses.begin(), retired.uses.end(), has_vector)) return {};
  const auto mapped =
      verification_.files().Map(storage::DataFilePath(verification_.directory(), path));
  if (!mapped.ok()) return {};  // which was told
  const auto layout = parquet::ReadPartLayout((*mapped)->bytes());
  if (!layout.ok()) return {};  // which was told
  for (const Use& use : retired.uses) {
    if (!has_vector(use)) continue;
    storage::AddedFile added = retired.added;
    added.deletion_vector = use.deletion_vector;
    VIPER_RETURN_IF_ERROR(VerifyVector(added, use, layout->row_count));
  }
  return {};
}

Status RetainedFiles::VerifyVector(const storage::AddedFile& added, const Use& use,
                                   uint64_t row_count) {
  const storage::DeletionVectorDescriptor& vector = *added.deletion_vector;
  std::string name;
  if (auto path = storage::DeletionVectorPath(vector); path.ok() && *path) name = **path;
  if (const auto need = needs_.find(name); need != needs_.end()) {
    if (!need->second.is_there) return {};
    if (begun_.insert(name).second) {
      VIPER_RETURN_IF_ERROR(
          verification_.BeginFile(storage::DataFilePath(verification_.directory(), name)));
    }
    VIPER_RETURN_IF_ERROR(
        verification_.AddBytes(static_cast<uint64_t>(std::max(vector.size_bytes, 0))));
  }
  const size_t before = verification_.finding_count();
  static_cast<void>(VerifyDeletionVector(added, use.origin, row_count, verification_));
  FinishFindings(before, name, {&use});
  return {};
}

void RetainedFiles::FinishFindings(size_t first, const std::string& name,
                                   const std::vector<const Use*>& uses) {
  if (verification_.finding_count() == first) return;
  if (!name.empty() && !Exists(name)) return verification_.ForgetFindingsFrom(first);
  const std::string versions = VersionsText(uses);
  std::vector<VerifyFinding>& findings = verification_.report().findings;
  for (size_t i = first; i < findings.size(); ++i) {
    std::string& affected = findings[i].affected;
    affected = affected.empty() ? versions : versions + ": " + affected;
  }
}

const CollectionSchema* RetainedFiles::SchemaOf(const storage::RetiredFile& retired) {
  const auto [found, is_new] = schemas_.try_emplace(retired.metadata.get());
  if (is_new) {
    auto schema = ReadTableSchema(*retired.metadata);
    if (schema.ok()) found->second = std::move(*schema);
  }
  return found->second ? &*found->second : nullptr;
}

}  // namespace viper::core
