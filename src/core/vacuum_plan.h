#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "storage/table_log.h"

namespace viper::core {

/// What a vacuum removes.
struct VacuumPlan {
  /// Data files and files of deletion vectors, below the table.
  std::set<std::string> files;
  /// Keys of the tombstones that named them.
  std::vector<std::string> tombstones;
};

/// The files that only versions of the table name which were replaced at `before_ms` or earlier.
/// Files that the log does not name at all are not among them: opening the collection sweeps those.
/// Corruption for a deletion vector that names no file.
Result<VacuumPlan> PlanVacuum(const storage::TableState& table, int64_t before_ms);

/// The files that a state names: data files, and files of deletion vectors. Of the state itself,
/// and with those of its tombstones.
Result<std::set<std::string>> NeededFiles(const storage::TableState& table);
Result<std::set<std::string>> NamedFiles(const storage::TableState& table);

}  // namespace viper::core
