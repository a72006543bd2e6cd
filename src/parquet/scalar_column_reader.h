#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <parquet/page_index.h>

#include "columnar/column.h"
#include "columnar/predicate.h"
#include "parquet/part_footer.h"
#include "parquet/part_schema.h"

namespace viper::parquet {

/// Reads one scalar column of a part page by page. With a page index a page is a data page, without
/// one it is the column chunk of a row group. A column that the file lacks is one page of nulls.
/// Immutable, thread-safe. The footer must outlive it.
class ScalarColumnReader {
 public:
  /// `page_index` may be null. Corruption; Unsupported if the file's type does not fit the
  /// column's.
  static Result<ScalarColumnReader> Open(const PartFooter& footer, const PartColumn& column,
                                         ::parquet::PageIndexReader* page_index);

  /// As PartReader::StoredType.
  std::optional<FieldType> StoredType() const;
  size_t page_count() const { return pages_.size(); }
  RowRange PageRows(size_t page) const { return pages_[page].rows; }
  size_t PageOfRow(uint64_t row) const;
  Result<columnar::Column> ReadPage(size_t page) const;
  /// One per row group, or none if the file does not tell.
  std::vector<columnar::ColumnBounds> RowGroupBounds() const;

 private:
  /// What the pages of one row group share.
  struct Chunk {
    /// What lies before the first data page: the dictionary page, or nothing.
    FileRange dictionary;
    int64_t value_count = 0;
    ::parquet::Compression::type codec = ::parquet::Compression::UNCOMPRESSED;
  };

  ScalarColumnReader(const PartFooter& footer, const PartColumn& column)
      : footer_(&footer), column_(column) {}
  Status AddRowGroup(size_t row_group, ::parquet::PageIndexReader* page_index);
  Result<columnar::Column> Decode(const EncodedPage& page) const;
  Result<std::vector<columnar::ColumnBounds>> ReadBounds() const;

  const PartFooter* footer_;
  PartColumn column_;
  int leaf_ = -1;
  const ::parquet::ColumnDescriptor* descriptor_ = nullptr;
  std::vector<Chunk> chunks_;
  std::vector<EncodedPage> pages_;
};

}  // namespace viper::parquet
