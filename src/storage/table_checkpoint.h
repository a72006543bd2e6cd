#pragma once

#include "parquet/checkpoint_file.h"
#include "storage/table_log.h"

namespace viper::storage {

/// The state of a table as the rows of a checkpoint. Tombstones from before `expired_before_ms` are
/// left out.
parquet::CheckpointActions ToCheckpoint(const TableState& state, int64_t expired_before_ms);

/// A checkpoint as the state of a table.
Result<TableState> FromCheckpoint(const parquet::CheckpointActions& actions, int64_t version);

}  // namespace viper::storage
