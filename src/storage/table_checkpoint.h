#pragma once

#include <set>
#include <string>

#include "parquet/checkpoint_file.h"
#include "storage/table_log.h"

namespace viper::storage {

/// The state of a table as the rows of a checkpoint. Tombstones from before `expired_before_ms` are
/// left out.
parquet::CheckpointActions ToCheckpoint(const TableState& state, int64_t expired_before_ms);

/// A checkpoint as the state of a table.
struct CheckpointState {
  TableState state;
  std::set<std::string> paths_with_deletion_vector;
};
Result<CheckpointState> FromCheckpoint(const parquet::CheckpointActions& actions, int64_t version);

}  // namespace viper::storage
