#pragma once

#include <algorithm>
#include <cstddef>

#include "base/limits.h"

namespace viper::pipeline {

/// Floats of one batch, in bytes (viper/record_source.h promises about 8 MiB).
inline constexpr size_t kBatchFloatBytes = size_t{8} << 20;
/// Rows of one batch, so that ids and metadata of narrow vectors stay within bounds too.
inline constexpr size_t kBatchRowsMax = 65'536;
/// Text of one batch, in bytes: bounds the metadata.
inline constexpr size_t kBatchTextBytes = size_t{16} << 20;
/// One line of a text file, or one CSV record with line feeds in its cells: twice the largest
/// metadata (base/limits.h), which also holds 65,536 components of 25 characters many times over.
inline constexpr size_t kLineBytesMax = 2 * kMetadataBytesMax;
/// Text files are read in blocks of this size.
inline constexpr size_t kReadBlockBytes = size_t{1} << 20;
/// Columns of a CSV file: a wide one has a column per component, and some more.
inline constexpr size_t kCsvColumnsMax = 70'000;

/// Rows of one batch of vectors with `dim` components.
inline size_t BatchRows(size_t dim) {
  return std::clamp<size_t>(kBatchFloatBytes / (dim * sizeof(float)), 1, kBatchRowsMax);
}

}  // namespace viper::pipeline
