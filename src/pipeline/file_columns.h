#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/row.h"
#include "parquet/part_file.h"
#include "viper/pipeline.h"

namespace viper::pipeline {

/// Which columns a file is to have.
struct FileColumns {
  /// With the fields that get a column.
  CollectionSchema schema;
  parquet::PartShape shape;
};

/// All columns that the layout has.
FileColumns ColumnsOfLayout(const CollectionSchema& schema, const ProcessingConfig& processing);

/// Count what the columns hold. Optional ones without a value are marked to be dropped.
std::vector<ColumnSummary> Summarize(std::span<const core::Row> rows, const FileColumns& columns);

/// Leave out what the summary says. InvalidArgument: a column that is required or has values, or
/// one that is not there.
Status DropColumns(std::span<const ColumnSummary> summary, FileColumns& columns);

/// The rows of these numbers as columns.
parquet::PartRows MakePartRows(std::span<const core::Row> rows, std::span<const uint32_t> numbers,
                               const FileColumns& columns);

/// What a row is without any form (ProcessResult::logical_bytes).
uint64_t LogicalBytes(const core::Row& row, size_t dim);

}  // namespace viper::pipeline
