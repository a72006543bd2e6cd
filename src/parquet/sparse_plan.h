#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "parquet/column_coding.h"
#include "viper/options.h"

namespace viper::parquet {

/// Footer key of a part that has the column `_sparse`: how many rows of each row group are stored
/// sparse, a JSON list of integers (docs/format/table.md).
inline constexpr std::string_view kSparseRowsKey = "viper.sparse_rows";

/// Which vectors may be stored sparse.
struct SparseOptions {
  VectorFormat format = VectorFormat::kDense;
  double threshold = 0.5;
};

/// Which rows of a row group are stored sparse, and how.
struct SparsePlan {
  /// One for each row; empty if none is.
  std::vector<bool> is_sparse;
  uint64_t row_count = 0;
  /// Rows of a page of `_sparse`, and of the page of `_vector` that holds the others.
  size_t rows_per_page = 1;
  /// How to write the two leaves.
  ColumnChoice indices = {};
  ColumnChoice values = {};
  /// Why, with the numbers; empty if no row counts as sparse.
  std::string reason = {};
};

/// Choose for the rows of a row group, `dim` floats each at any byte address. Under kAdaptive all
/// rows that count as sparse are stored so, or none: by the bytes of a sample encoded both ways,
/// and under StoragePolicy::kSpeed only if reading a row then costs clearly less than in place
/// (docs/decisions/0022). Throws ParquetException.
SparsePlan PlanSparseRows(std::span<const std::byte* const> rows, size_t dim,
                          const SparseOptions& sparse, const CompressionOptions& compression);

}  // namespace viper::parquet
