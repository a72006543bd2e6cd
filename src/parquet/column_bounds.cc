#include "parquet/column_bounds.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "base/assert.h"

namespace viper::parquet {
namespace {

using columnar::Column;
using columnar::ColumnBounds;

/// Smallest and largest of `get(row)` over the present rows.
template <typename Get, typename IsPresent>
auto MinMax(size_t row_count, const IsPresent& is_present, const Get& get) {
  std::optional<std::pair<decltype(get(0)), decltype(get(0))>> result;
  for (size_t row = 0; row < row_count; ++row) {
    if (!is_present(row)) continue;
    const auto value = get(row);
    if (!result) result = {value, value};
    if (value < result->first) result->first = value;
    if (result->second < value) result->second = value;
  }
  return result;
}

template <typename MinMaxPair, typename ToValue>
void SetBounds(const MinMaxPair& min_max, const ToValue& to_value, ColumnBounds& bounds) {
  if (!min_max) return;
  bounds.min = to_value(min_max->first);
  bounds.max = to_value(min_max->second);
}

bool Always(size_t) { return true; }

bool ValueLess(const Value& a, const Value& b) {
  VIPER_ASSERT(a.kind() == b.kind());
  switch (a.kind()) {
    case Value::Kind::kBool:
      return *a.as_bool() < *b.as_bool();
    case Value::Kind::kInt64:
      return *a.as_int64() < *b.as_int64();
    case Value::Kind::kFloat64:
      return *a.as_float64() < *b.as_float64();
    case Value::Kind::kTimestamp:
      return *a.as_timestamp() < *b.as_timestamp();
    default:
      return *a.as_string() < *b.as_string();
  }
}

bool HasPresentRows(const ColumnBounds& bounds) { return bounds.null_count < bounds.row_count; }

}  // namespace

ColumnBounds BoundsOfColumn(const Column& column) {
  ColumnBounds bounds{
      .min = {}, .max = {}, .null_count = column.null_count(), .row_count = column.row_count()};
  const size_t rows = column.row_count();
  const auto is_present = [&](size_t row) { return column.IsPresent(row); };
  switch (column.type()) {
    case FieldType::kBool:
      SetBounds(
          MinMax(rows, is_present, [&](size_t row) { return column.bools()[row]; }),
          [](uint8_t value) { return Value(value != 0); }, bounds);
      break;
    case FieldType::kInt64:
      SetBounds(
          MinMax(rows, is_present, [&](size_t row) { return column.int64s()[row]; }),
          [](int64_t value) { return Value(value); }, bounds);
      break;
    case FieldType::kTimestamp:
      SetBounds(
          MinMax(rows, is_present, [&](size_t row) { return column.int64s()[row]; }),
          [](int64_t value) { return Value(Timestamp{value}); }, bounds);
      break;
    case FieldType::kFloat64: {
      const auto& values = column.float64s();
      if (std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) break;
      SetBounds(
          MinMax(rows, is_present, [&](size_t row) { return values[row]; }),
          [](double value) { return Value(value); }, bounds);
      // There are readers for whom -0 is below 0: Parquet has bounds enclose both.
      if (bounds.min == Value(0.0)) bounds.min = Value(-0.0);
      if (bounds.max == Value(0.0)) bounds.max = Value(0.0);
      break;
    }
    case FieldType::kString:
      SetBounds(
          MinMax(rows, is_present, [&](size_t row) { return column.strings()[row]; }),
          [](std::string_view value) { return Value(value); }, bounds);
      break;
    case FieldType::kStringList:
      break;
  }
  return bounds;
}

ColumnBounds BoundsOfStrings(const columnar::StringArray& strings) {
  ColumnBounds bounds{.min = {}, .max = {}, .null_count = 0, .row_count = strings.size()};
  SetBounds(
      MinMax(strings.size(), Always, [&](size_t row) { return strings[row]; }),
      [](std::string_view value) { return Value(value); }, bounds);
  return bounds;
}

ColumnBounds BoundsOfTimestamps(std::span<const int64_t> micros) {
  ColumnBounds bounds{.min = {}, .max = {}, .null_count = 0, .row_count = micros.size()};
  SetBounds(
      MinMax(micros.size(), Always, [&](size_t row) { return micros[row]; }),
      [](int64_t value) { return Value(Timestamp{value}); }, bounds);
  return bounds;
}

void MergeBounds(const ColumnBounds& more, ColumnBounds& bounds) {
  if (HasPresentRows(more)) {
    if (!HasPresentRows(bounds)) {
      bounds.min = more.min;
      bounds.max = more.max;
    } else if (!more.min || !more.max || !bounds.min || !bounds.max) {
      bounds.min.reset();
      bounds.max.reset();
    } else {
      if (ValueLess(*more.min, *bounds.min)) bounds.min = more.min;
      if (ValueLess(*bounds.max, *more.max)) bounds.max = more.max;
    }
  }
  bounds.null_count += more.null_count;
  bounds.row_count += more.row_count;
}

}  // namespace viper::parquet
