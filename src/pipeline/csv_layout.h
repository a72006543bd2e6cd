#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "viper/record_source.h"
#include "viper/result.h"

namespace viper::pipeline {

/// What a column of a CSV file is.
enum class CsvRole : uint8_t {
  kIgnored,
  kId,
  kVector,
  /// One component of a vector that has a column for each.
  kComponent,
  kTimestamp,
  kExpiresAt,
  /// A JSON object with metadata.
  kMetadata,
  /// A metadata key of its own.
  kField,
};

struct CsvColumn {
  std::string name;
  CsvRole role = CsvRole::kField;
  /// Of a component: its place in the vector.
  size_t component = 0;
};

struct CsvLayout {
  std::vector<CsvColumn> columns;
  bool has_id = false;
  /// Columns that are components; 0 = the vector has one column.
  size_t component_count = 0;
};

/// Decide what each column is, by the header and the cells of the first row. A vector column given
/// as "v*" means the columns v0, v1, ... (or v1, v2, ...), in any order. A column without a name
/// (such as the row index that pandas writes) is ignored. InvalidArgument, naming the columns, for
/// a name given twice, a wanted column that does not exist, no vector.
Result<CsvLayout> InferCsvLayout(const std::vector<std::string>& names,
                                 const std::vector<std::string_view>& first_row,
                                 const RecordSourceOptions& options);

}  // namespace viper::pipeline
