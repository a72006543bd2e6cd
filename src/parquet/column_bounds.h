#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "columnar/column.h"
#include "columnar/predicate.h"

namespace viper::parquet {

/// Bounds of the present values of a column. Doubles that hold a NaN, and lists, only count.
columnar::ColumnBounds BoundsOfColumn(const columnar::Column& column);
columnar::ColumnBounds BoundsOfStrings(const columnar::StringArray& strings);
columnar::ColumnBounds BoundsOfTimestamps(std::span<const int64_t> micros);

/// Widen `bounds` by those of further rows. Unknown in one makes unknown in all, unless one has no
/// present value.
void MergeBounds(const columnar::ColumnBounds& more, columnar::ColumnBounds& bounds);

}  // namespace viper::parquet
