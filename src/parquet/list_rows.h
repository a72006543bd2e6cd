#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/row_range.h"
#include "parquet/leaf_pages.h"

namespace viper::parquet {

/// Lists of some rows of a leaf, one after the other.
template <typename T>
struct ListRows {
  /// Length of a row whose list, or the structure that it is in, is null.
  static constexpr uint32_t kNull = UINT32_MAX;
  /// One for each row.
  std::vector<uint32_t> lengths;
  std::vector<T> values;
};

/// Decode the lists of rows [rows.first, rows.end()), all of one row group, of a leaf of 32-bit
/// integers or floats. `pages` are those of LeafPages::Find. Corruption that names the row for a
/// null element or for more than `length_max` of them, and for pages that hold other rows than they
/// say. Throws ParquetException on malformed pages.
Result<ListRows<int32_t>> ReadIntegerLists(const LeafPages& leaf,
                                           std::span<const EncodedPage> pages, RowRange rows,
                                           size_t length_max);
Result<ListRows<float>> ReadFloatLists(const LeafPages& leaf, std::span<const EncodedPage> pages,
                                       RowRange rows, size_t length_max);

/// Count the rows of a row group whose lists, or the structure that they are in, are not null.
/// Reads the whole chunk. Corruption if it has other rows than the row group. Throws
/// ParquetException on malformed pages.
Result<uint64_t> CountListRows(const LeafPages& leaf, size_t row_group);

}  // namespace viper::parquet
