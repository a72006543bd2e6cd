#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "parquet/data_page_writer.h"
#include "parquet/sparse_plan.h"

namespace viper::parquet {

/// Write the column chunks of `_sparse.indices` and `_sparse.values` for the rows of a row group
/// (`dim` floats each, at any byte address): pages of `plan.rows_per_page` rows, one of nulls alone
/// if no row is stored sparse. They return the uncompressed bytes with headers and throw
/// ParquetException when the sink fails.
int64_t WriteIndicesChunk(const ChunkPlace& place, const ColumnCoding& coding,
                          std::span<const std::byte* const> rows, size_t dim,
                          const SparsePlan& plan);
int64_t WriteValuesChunk(const ChunkPlace& place, const ColumnCoding& coding,
                         std::span<const std::byte* const> rows, size_t dim,
                         const SparsePlan& plan);

}  // namespace viper::parquet
