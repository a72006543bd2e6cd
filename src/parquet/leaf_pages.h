#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/io/type_fwd.h>
#include <parquet/column_reader.h>
#include <parquet/page_index.h>

#include "parquet/part_footer.h"

namespace viper::parquet {

/// The pages of a leaf that is under one repeated group. Immutable, thread-safe. The footer must
/// outlive it. Methods throw ParquetException on malformed pages.
class LeafPages {
 public:
  LeafPages(const PartFooter& footer, int leaf) : footer_(&footer), leaf_(leaf) {}

  const ::parquet::ColumnDescriptor& descriptor() const;
  const PartFooter& footer() const { return *footer_; }
  /// Whether no chunk is compressed.
  bool IsUncompressed() const;

  /// Read the pages of a whole chunk; with `verify` their checksums are looked at. Corruption if it
  /// does not lie in the file.
  Result<std::unique_ptr<::parquet::PageReader>> OpenChunk(size_t row_group, bool verify) const;
  /// Read some pages behind each other, the chunk's dictionary before them.
  Result<std::unique_ptr<::parquet::PageReader>> OpenRun(size_t row_group,
                                                         const FileRange& place) const;

  /// The smallest runs of whole rows that can be decoded alone: data pages, and where a row goes on
  /// in the next page, both. By the page index (may be null); row groups without one are walked,
  /// which decompresses every page once. Corruption.
  Result<std::vector<EncodedPage>> Find(::parquet::PageIndexReader* page_index) const;

 private:
  std::unique_ptr<::parquet::PageReader> Open(size_t row_group,
                                              std::shared_ptr<::arrow::io::InputStream> bytes,
                                              bool verify) const;
  Status Walk(size_t row_group, std::vector<EncodedPage>& pages) const;
  /// What lies before the first data page of a chunk: the dictionary page, or nothing.
  Result<FileRange> DictionaryOf(size_t row_group) const;

  const PartFooter* footer_;
  int leaf_;
};

}  // namespace viper::parquet
