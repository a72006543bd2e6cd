#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <arrow/io/type_fwd.h>
#include <parquet/bloom_filter.h>
#include <parquet/metadata.h>
#include <parquet/page_index.h>

#include "columnar/column.h"

namespace viper::parquet {

/// Where a scalar column chunk goes.
struct ScalarChunkPlace {
  std::shared_ptr<::arrow::io::OutputStream> sink;
  ::parquet::ColumnChunkMetaDataBuilder* metadata = nullptr;
  ::parquet::ColumnIndexBuilder* column_index = nullptr;
  ::parquet::OffsetIndexBuilder* offset_index = nullptr;
  int zstd_level = 3;
};

/// Write one column chunk each: zstd pages of at most 2,048 rows with checksum and page index,
/// dictionary-encoded where few values repeat (decided by counting them), so that one row is
/// fetched by decoding one small page. They return the uncompressed bytes with headers and throw
/// ParquetException when the sink fails. Rows are [first, first + count).

/// `_id`: required, PLAIN; every id also goes into `bloom_filter`.
int64_t WriteIdChunk(const ScalarChunkPlace& place, const columnar::StringArray& ids, size_t first,
                     size_t count, ::parquet::BloomFilter* bloom_filter);
/// A required timestamp column, in microseconds.
int64_t WriteRequiredTimestampChunk(const ScalarChunkPlace& place, std::span<const int64_t> values);
/// An optional column of any type.
int64_t WriteColumnChunk(const ScalarChunkPlace& place, const columnar::Column& column,
                         size_t first, size_t count);

}  // namespace viper::parquet
