#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <arrow/buffer.h>

#include "base/row_range.h"
#include "parquet/column_coding.h"

namespace viper::parquet {

/// A run of rows as the leaves of `_sparse` hold them: null for a row that is stored dense, for
/// others the components that are not zero, indices rising.
struct SparsePage {
  /// Repetition and definition levels of either leaf, as they lie in a V1 page.
  std::vector<uint8_t> levels;
  size_t level_count = 0;
  std::vector<int32_t> indices;
  std::vector<float> values;
};

/// Collect them for the rows `run` of a row group: `dim` floats each, at any byte address;
/// `is_sparse` has one for each row of the row group, or none if all are dense.
SparsePage MakeSparsePage(std::span<const std::byte* const> rows, size_t dim,
                          const std::vector<bool>& is_sparse, RowRange run);

/// What Parquet's data page holds behind the levels. `encoding` is kPlain or kDeltaBinaryPacked for
/// indices, kPlain or kByteStreamSplit for values. Throws ParquetException.
std::shared_ptr<::arrow::Buffer> EncodeIndices(const SparsePage& page, Encoding encoding);
std::shared_ptr<::arrow::Buffer> EncodeValues(const SparsePage& page, Encoding encoding);

/// The levels of `_vector` for a run of rows, as they lie in a V1 page: an empty list for each
/// sparse row, `dim` elements for each other.
struct MixedLevels {
  std::vector<uint8_t> bytes;
  size_t level_count = 0;
};
MixedLevels EncodeMixedLevels(size_t dim, const std::vector<bool>& is_sparse, RowRange run);

}  // namespace viper::parquet
