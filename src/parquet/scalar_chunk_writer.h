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
#include "parquet/column_coding.h"

namespace viper::parquet {

/// Where a scalar column chunk goes.
struct ScalarChunkPlace {
  std::shared_ptr<::arrow::io::OutputStream> sink;
  ::parquet::ColumnChunkMetaDataBuilder* metadata = nullptr;
  ::parquet::ColumnIndexBuilder* column_index = nullptr;
  ::parquet::OffsetIndexBuilder* offset_index = nullptr;
  /// How to write it; null = with `fixed`, encoded as the values' type suggests.
  const ColumnChoice* choice = nullptr;
  Compression fixed = {};
  /// Values may be written as numbers of a dictionary.
  bool allows_dictionary = true;
  /// Minima, maxima and counts of nulls are written.
  bool has_statistics = true;
};

/// A choice made on a sample, and whether that was large enough to use it for more than this chunk.
struct SampledChoice {
  ColumnChoice choice;
  bool is_settled = false;
};

/// Write one column chunk each: pages of at most 2,048 rows with checksum and page index,
/// dictionary-encoded where few values repeat (decided by counting them), so that one row is
/// fetched by decoding one small page. They return the uncompressed bytes with headers and throw
/// ParquetException when the sink fails. Rows are [first, first + count).

/// `_id`: required; every id also goes into `bloom_filter`.
int64_t WriteIdChunk(const ScalarChunkPlace& place, const columnar::StringArray& ids, size_t first,
                     size_t count, ::parquet::BloomFilter* bloom_filter);
/// A required timestamp column, in microseconds.
int64_t WriteRequiredTimestampChunk(const ScalarChunkPlace& place, std::span<const int64_t> values);
/// An optional column of any type.
int64_t WriteColumnChunk(const ScalarChunkPlace& place, const columnar::Column& column,
                         size_t first, size_t count);

/// For each of them: encode a sample of the rows in several ways (at most 8,192 values and 256 KiB,
/// from all over the rows) and choose.
SampledChoice ChooseIdCoding(const ::parquet::ColumnDescriptor* leaf, const TrialLimits& limits,
                             const columnar::StringArray& ids, size_t first, size_t count);
SampledChoice ChooseRequiredTimestampCoding(const ::parquet::ColumnDescriptor* leaf,
                                            const TrialLimits& limits,
                                            std::span<const int64_t> values);
SampledChoice ChooseColumnCoding(const ::parquet::ColumnDescriptor* leaf, const TrialLimits& limits,
                                 const columnar::Column& column, size_t first, size_t count);

}  // namespace viper::parquet
