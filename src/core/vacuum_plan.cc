#include "core/vacuum_plan.h"

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

Result<VacuumPlan> PlanVacuum(const storage::TableState& table, int64_t before_ms) {
  VacuumPlan plan;
  VIPER_ASSIGN_OR_RETURN(std::set<std::string> needed, NeededFiles(table));
  for (const auto& [key, file] : table.tombstones) {
    const bool is_old = file.deletion_timestamp_ms <= before_ms;
    VIPER_RETURN_IF_ERROR(AddFilesOf(file, is_old ? plan.files : needed));
    if (is_old) plan.tombstones.push_back(key);
  }
  for (const std::string& name : needed) plan.files.erase(name);
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
