#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "storage/table_log.h"

namespace viper::core {

/// What a vacuum removes.
struct VacuumPlan {
  /// Data files and files of deletion vectors, below the table, in the order in which they go.
  std::vector<std::string> files;
  /// Keys of the tombstones that named them.
  std::vector<std::string> tombstones;
};

/// A file that a table names and its newest version does not need.
struct ReplacedFile {
  /// Below the table.
  std::string path;
  bool is_vector = false;
  /// When the last version that needs it was replaced.
  int64_t replaced_ms = 0;
};

/// Those of a table in the order in which vacuums remove them: what was replaced first goes first,
/// and of one moment data files before deletion vectors. So what a vacuum leaves behind that was
/// cut off is what an earlier one would have left. Corruption for a deletion vector that names no
/// file.
Result<std::vector<ReplacedFile>> ReplacedFiles(const storage::TableState& table);

/// The files that only versions of the table name which were replaced at `before_ms` or earlier.
/// Files that the log does not name at all are not among them: opening the collection sweeps those.
/// Corruption for a deletion vector that names no file.
Result<VacuumPlan> PlanVacuum(const storage::TableState& table, int64_t before_ms);

/// The files that a state names: data files, and files of deletion vectors. Of the state itself,
/// and with those of its tombstones.
Result<std::set<std::string>> NeededFiles(const storage::TableState& table);
Result<std::set<std::string>> NamedFiles(const storage::TableState& table);

}  // namespace viper::core
