#pragma once

#include <cstdint>
#include <memory>

#include <parquet/column_reader.h>

#include "columnar/column.h"
#include "viper/result.h"

namespace viper::parquet {

/// OK if a column of that Parquet type can be read as a field of type `type`: what VIPER writes,
/// and narrower or older spellings (int32, float, integers for floats, INT96 and other timestamp
/// units). Unsupported naming both.
Status CheckReadable(const ::parquet::ColumnDescriptor& leaf, FieldType type);
/// Whether a column that is readable as `type` holds integers for floats.
bool IsWidened(const ::parquet::ColumnDescriptor& leaf, FieldType type);

/// Pass over data pages without values, which some writers leave behind: libparquet's ColumnReader
/// takes the first of them for the end.
std::unique_ptr<::parquet::PageReader> WithoutEmptyPages(
    std::unique_ptr<::parquet::PageReader> pages);

/// Decode exactly `row_count` rows of a column for which CheckReadable held. Corruption if there
/// are more or fewer rows or a value does not fit; ResourceExhausted if they decode to an absurd
/// size. Throws ParquetException on malformed pages.
Result<columnar::Column> DecodeRows(const ::parquet::ColumnDescriptor& leaf,
                                    std::unique_ptr<::parquet::PageReader> pages, FieldType type,
                                    uint64_t row_count);

/// The definition level from which on the repeated group above `leaf` has an element, perhaps null.
/// One less is an empty list, still less an absent one.
int16_t ElementDefinitionLevel(const ::parquet::ColumnDescriptor& leaf);

}  // namespace viper::parquet
