#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/buffer.h>
#include <arrow/io/type_fwd.h>
#include <parquet/column_writer.h>
#include <parquet/metadata.h>
#include <parquet/page_index.h>

#include "parquet/column_coding.h"

namespace viper::parquet {

/// Where a column chunk goes whose pages we make ourselves.
struct ChunkPlace {
  std::shared_ptr<::arrow::io::OutputStream> sink;
  ::parquet::ColumnChunkMetaDataBuilder* metadata = nullptr;
  ::parquet::OffsetIndexBuilder* offset_index = nullptr;
};

/// Writes a column chunk of V1 pages with checksum, whose levels and values are encoded already, by
/// libparquet's PageWriter. Methods throw ParquetException when the sink fails. Not thread-safe.
class DataPageWriter {
 public:
  DataPageWriter(const ChunkPlace& place, const ColumnCoding& coding);

  const ColumnCoding& coding() const { return coding_; }
  /// Write the values of 32 bits that kDictionary refers to, before the first page. They return the
  /// uncompressed bytes with headers.
  int64_t WriteDictionary(const std::vector<uint32_t>& values);
  /// Write a page: levels and values, not compressed; `level_count` of each kind of levels. It
  /// begins with row `first_row` of the row group.
  int64_t Write(const std::shared_ptr<::arrow::Buffer>& body, size_t level_count,
                uint64_t first_row);
  void Close();

 private:
  const ColumnCoding coding_;
  std::unique_ptr<::parquet::PageWriter> pages_;
};

}  // namespace viper::parquet
