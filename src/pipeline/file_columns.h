#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/field_conversion.h"
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

/// Row::expires_at of a record that says nothing of it: no value in the file, so that a collection
/// that takes it may have a default. Timestamp::Never() overrules that, so it is a value.
inline constexpr int64_t kExpiryNotGiven = std::numeric_limits<int64_t>::min();
/// As which Timestamp::Never() is written: 9999-12-31T23:59:59.999999Z, the last time that all
/// readers know.
inline constexpr int64_t kWrittenNever = columnar::kTextTimeMax;

/// The rows of these numbers as columns.
parquet::PartRows MakePartRows(std::span<const core::Row> rows, std::span<const uint32_t> numbers,
                               const FileColumns& columns);

}  // namespace viper::pipeline
