#include "core/vacuum_plan.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/status_macros.h"

namespace viper::core {
namespace {

/// Add the files of an entry of the log: AddedFile or RemovedFile.
template <typename File>
Status AddFilesOf(const File& file, std::set<std::string>& names) {
  names.insert(file.path);
  if (!file.deletion_vector) return {};
  VIPER_ASSIGN_OR_RETURN(auto path, storage::DeletionVectorPath(*file.deletion_vector));
  if (path) names.insert(std::move(*path));
  return {};
}

}  // namespace

Result<std::vector<ReplacedFile>> ReplacedFiles(const storage::TableState& table) {
  VIPER_ASSIGN_OR_RETURN(const std::set<std::string> needed, NeededFiles(table));
  std::map<std::string, ReplacedFile> by_path;
  const auto note = [&](const std::string& path, bool is_vector, int64_t replaced_ms) {
    if (needed.contains(path)) return;
    const auto [found, is_new] = by_path.try_emplace(
        path, ReplacedFile{.path = path, .is_vector = is_vector, .replaced_ms = replaced_ms});
    found->second.replaced_ms = std::max(found->second.replaced_ms, replaced_ms);
  };
  for (const auto& [key, removed] : table.tombstones) {
    note(removed.path, false, removed.deletion_timestamp_ms);
    if (!removed.deletion_vector) continue;
    VIPER_ASSIGN_OR_RETURN(const auto path, storage::DeletionVectorPath(*removed.deletion_vector));
    if (path) note(*path, true, removed.deletion_timestamp_ms);
  }
  std::vector<ReplacedFile> files;
  files.reserve(by_path.size());
  for (auto& [path, file] : by_path) files.push_back(std::move(file));
  std::sort(files.begin(), files.end(), [](const ReplacedFile& a, const ReplacedFile& b) {
    return std::tie(a.replaced_ms, a.is_vector, a.path) <
           std::tie(b.replaced_ms, b.is_vector, b.path);
  });
  return files;
}

Result<VacuumPlan> PlanVacuum(const storage::TableState& table, int64_t before_ms) {
  VacuumPlan plan;
  VIPER_ASSIGN_OR_RETURN(std::vector<ReplacedFile> replaced, ReplacedFiles(table));
  for (ReplacedFile& file : replaced) {
    if (file.replaced_ms <= before_ms) plan.files.push_back(std::move(file.path));
  }
  for (const auto& [key, file] : table.tombstones) {
    if (file.deletion_timestamp_ms <= before_ms) plan.tombstones.push_back(key);
  }
  return plan;
}

Result<std::set<std::string>> NeededFiles(const storage::TableState& table) {
  std::set<std::string> names;
  for (const auto& [path, file] : table.files) VIPER_RETURN_IF_ERROR(AddFilesOf(file, names));
  return names;
}

Result<std::set<std::string>> NamedFiles(const storage::TableState& table) {
  VIPER_ASSIGN_OR_RETURN(std::set<std::string> names, NeededFiles(table));
  for (const auto& [key, file] : table.tombstones) VIPER_RETURN_IF_ERROR(AddFilesOf(file, names));
  return names;
}

}  // namespace viper::core
