#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include "base/row_range.h"
#include "viper/result.h"

namespace viper::parquet {

/// Bytes [offset, offset + size) of a file.
struct FileRange {
  uint64_t offset = 0;
  uint64_t size = 0;

  uint64_t end() const { return offset + size; }
};

/// A run of rows and the bytes that they are decoded from.
struct EncodedPage {
  RowRange rows;
  FileRange place;
  uint32_t row_group = 0;
};

/// The footer of a Parquet file in memory, with what every user of it must not believe unchecked:
/// row counts that add up, and chunks that lie inside the file. Immutable, thread-safe.
class PartFooter {
 public:
  /// Parse the footer of the file `bytes`, which must outlive this object. Corruption.
  static Result<std::unique_ptr<PartFooter>> Open(std::span<const std::byte> bytes);

  std::span<const std::byte> bytes() const { return bytes_; }
  const ::parquet::FileMetaData& metadata() const { return *metadata_; }
  uint64_t row_count() const { return row_count_; }
  const std::vector<RowRange>& row_groups() const { return row_groups_; }

  /// The only leaf column under the top-level column `name`, if there is such a column. Unsupported
  /// if it has several leaves.
  Result<std::optional<int>> FindLeaf(std::string_view name) const;
  /// Where the pages of a chunk lie (dictionary page first). Checked to be inside the file.
  Result<FileRange> ChunkRange(size_t row_group, int leaf) const;
  /// The data pages of a chunk as the page index has them, checked to cover the rows and to lie in
  /// the chunk; none without an index of the chunk (`page_index` may be null).
  Result<std::vector<EncodedPage>> IndexedPages(size_t row_group, int leaf,
                                                ::parquet::PageIndexReader* page_index) const;
  /// Bytes of the file as a buffer that points into it.
  std::shared_ptr<::arrow::Buffer> Slice(const FileRange& range) const;

  /// Readers of the page index, one per row group; null where there is none. For use while opening:
  /// the objects are not thread-safe.
  std::shared_ptr<::parquet::PageIndexReader> MakePageIndexReader() const;

 private:
  PartFooter() = default;
  Status CheckRowCounts();

  std::span<const std::byte> bytes_;
  std::shared_ptr<::parquet::FileMetaData> metadata_;
  std::unique_ptr<::parquet::ParquetFileReader> reader_;
  std::vector<RowRange> row_groups_;
  uint64_t row_count_ = 0;
};

}  // namespace viper::parquet
