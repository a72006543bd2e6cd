#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "parquet/column_coding.h"
#include "parquet/data_page_writer.h"
#include "parquet/part_file.h"
#include "parquet/sparse_plan.h"
#include "parquet/vector_coding.h"
#include "viper/result.h"

namespace viper::parquet {

/// Writes the column chunks of `_vector`: V1 pages with checksum, by libparquet's PageWriter. Going
/// round its ColumnWriter saves encoding two levels for every float: all pages of one shape share
/// their level bytes, which are encoded once. Not thread-safe.
class VectorChunkWriter {
 public:
  explicit VectorChunkWriter(size_t dim);

  /// How to write, before the first chunk: PLAIN, BYTE_STREAM_SPLIT or RLE_DICTIONARY; a chunk with
  /// too many different floats for a dictionary has `choice.without_dictionary`.
  void SetCoding(const ColumnChoice& choice, StoragePolicy policy);

  /// Write one chunk: one vector of `dim` floats, at any byte address, for each row; an empty one
  /// for each that is stored sparse; `sparse` is null in a part without the column `_sparse`.
  /// Returns the uncompressed bytes with headers. InvalidArgument naming the row (in the chunk) if
  /// a float is not finite. Throws ParquetException when the sink fails.
  Result<int64_t> WriteChunk(const ChunkPlace& place, std::span<const std::byte* const> vectors,
                             const SparsePlan* sparse = nullptr);

  /// An upper bound of the Euclidean norms of all rows so far, at most 1 % above the largest.
  double max_norm() const { return max_norm_; }
  /// Where the floats of each page written so far lie, from the beginning of the sink, and their
  /// CRC-32C. Empty if they do not lie there as they are, or some rows are stored sparse.
  const std::vector<VectorPage>& pages() const { return pages_; }
  const std::vector<uint32_t>& page_crcs() const { return page_crcs_; }

 private:
  size_t RowsPerPage(const SparsePlan* sparse) const;
  /// Put the levels of a page of `row_count` rows in front of the page buffer.
  void SetShape(size_t row_count);
  Status UpdateMaxNorm(const std::byte* floats, size_t row_count, size_t first_row);
  /// Remember the page that ends where the sink is now.
  void NotePage(const ChunkPlace& place, size_t row_count);

  /// The coding of a chunk, and the dictionary that it needs.
  std::pair<ColumnCoding, FloatDictionary> CodingOf(
      std::span<const std::byte* const> vectors) const;
  /// Write the page that is in the page buffer.
  int64_t WritePage(DataPageWriter& pages, VectorPageEncoder& encoder, RowRange rows) const;
  /// Write those rows of the page buffer that are not sparse.
  int64_t WriteMixedPage(DataPageWriter& pages, VectorPageEncoder& encoder,
                         const SparsePlan& sparse, RowRange rows) const;

  const size_t dim_;
  size_t rows_per_page_ = 1;
  size_t rows_per_decoded_page_ = 1;
  ColumnChoice choice_;
  bool has_sparse_rows_ = false;
  /// Levels of the current shape, then the floats of a page.
  std::vector<uint8_t> page_;
  size_t shape_rows_ = 0;
  size_t level_bytes_ = 0;
  std::vector<float> squared_norms_;
  double max_norm_ = 0;
  std::vector<VectorPage> pages_;
  std::vector<uint32_t> page_crcs_;
};

}  // namespace viper::parquet
