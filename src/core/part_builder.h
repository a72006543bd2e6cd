#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/collection_state.h"
#include "parquet/column_coding.h"
#include "parquet/sparse_plan.h"
#include "platform/memory_budget.h"
#include "storage/part_sidecar.h"
#include "storage/table_log.h"
#include "viper/file_system.h"

namespace viper::core {

/// Where parts are written.
struct PartBuildOptions {
  FileSystem* file_system = nullptr;
  std::string table_directory;
  /// A part is closed when its floats take this many bytes.
  uint64_t part_bytes = uint64_t{256} << 20;
  /// A row group is closed when its floats take this many bytes.
  uint64_t row_group_bytes = uint64_t{64} << 20;
  /// Counts what building takes (BuildMemoryBytes); null = nobody does.
  std::shared_ptr<MemoryBudget> memory;
  parquet::CompressionOptions compression = {};
  /// Choices made before, for the same compression; null = they are made.
  std::shared_ptr<parquet::ColumnChoices> choices = nullptr;
  parquet::SparseOptions sparse = {};
  /// Told how many bytes of rows of parts were copied since the last time; what it fails with ends
  /// the building. Null = nobody is.
  std::function<Status(uint64_t bytes)> advance = {};
  /// The rows are not written in their order (PlacedRows), so that all are held at once.
  bool holds_all_rows = false;
};

/// A live row of a plan's sources, and the place that it is to get.
struct PlacedRow {
  uint32_t cluster = 0;
  /// To its centroid, in the square.
  float distance = 0;
  uint32_t source = 0;
  uint32_t row = 0;
  /// Its number among the live rows of its source.
  uint32_t live = 0;
};
/// All live rows of a plan, whose sources are parts, in the order in which they are to be written;
/// empty: as they come.
using PlacedRows = std::vector<PlacedRow>;

struct BuiltParts {
  /// Ready for the table log: complete, durable and in place.
  std::vector<storage::AddedFile> added;
  /// What the sidecar of each part will hold, its fingerprint apart.
  std::vector<storage::SidecarContent> sidecars;
  std::vector<MovedRows> moved;
  /// Some part has the column `_sparse`, and so must the table.
  bool has_sparse_column = false;
};

/// About what BuildParts takes in memory: the metadata of a row group, and what they are encoded
/// to. Floats are written from where they are.
uint64_t BuildMemoryBytes(const FlushPlan& plan, const PartBuildOptions& options);

/// Write the live rows of a plan's sources, in order, into new parts of the plan's schema: staged,
/// synced, moved into the table's directory, which is synced too. On failure what was written is
/// removed as far as possible; parts that are in place and in no commit are swept at the next open.
Result<BuiltParts> BuildParts(const FlushPlan& plan, const PartBuildOptions& options,
                              int64_t now_ms, const PlacedRows& order = {});

}  // namespace viper::core
