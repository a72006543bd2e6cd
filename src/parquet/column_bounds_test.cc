#include "parquet/column_bounds.h"

#include <cmath>

#include <gtest/gtest.h>

namespace viper::parquet {
namespace {

using columnar::Column;
using columnar::ColumnBounds;

Column Float64s(std::initializer_list<double> values) {
  Column column(FieldType::kFloat64);
  for (const double value : values) column.AppendFloat64(value);
  return column;
}

TEST(ColumnBounds, AbsentRowsOnlyCount) {
  Column column(FieldType::kInt64);
  column.AppendNull();
  column.AppendInt64(5);
  column.AppendInt64(-7);
  column.AppendNull();
  const ColumnBounds bounds = BoundsOfColumn(column);
  EXPECT_EQ(bounds.min, Value(-7));
  EXPECT_EQ(bounds.max, Value(5));
  EXPECT_EQ(bounds.null_count, 2U);
  EXPECT_EQ(bounds.row_count, 4U);
}

TEST(ColumnBounds, EveryTypeHasItsKind) {
  Column bools(FieldType::kBool);
  bools.AppendBool(true);
  EXPECT_EQ(BoundsOfColumn(bools).min, Value(true));
  Column times(FieldType::kTimestamp);
  times.AppendInt64(9);
  EXPECT_EQ(BoundsOfColumn(times).max, Value(Timestamp{9}));
  Column texts(FieldType::kString);
  texts.AppendString("b");
  texts.AppendString("\xC3\xA4");
  EXPECT_EQ(BoundsOfColumn(texts).max, Value("\xC3\xA4"));
  Column lists(FieldType::kStringList);
  lists.AppendStringList({});
  EXPECT_FALSE(BoundsOfColumn(lists).min.has_value());
  const std::vector<int64_t> micros = {3, 1, 2};
  EXPECT_EQ(BoundsOfTimestamps(micros).min, Value(Timestamp{1}));
}

TEST(ColumnBounds, ANotANumberMakesTheBoundsUnknown) {
  EXPECT_EQ(BoundsOfColumn(Float64s({2, 1})).min, Value(1.0));
  EXPECT_FALSE(BoundsOfColumn(Float64s({2, std::nan(""), 1})).min.has_value());
}

/// Others order -0 below 0, and would pass over rows that match.
TEST(ColumnBounds, ZerosOfBothSignsAreWithinTheBounds) {
  for (const auto& column :
       {Float64s({-0.0, 0.0, -3.5}), Float64s({0.0, -0.0, 3.5}), Float64s({-0.0})}) {
    const ColumnBounds bounds = BoundsOfColumn(column);
    const double min = *bounds.min->as_float64();
    const double max = *bounds.max->as_float64();
    EXPECT_TRUE(min < 0 || std::signbit(min));
    EXPECT_TRUE(max > 0 || !std::signbit(max));
  }
}

TEST(ColumnBounds, MergingWidensAndUnknownStaysUnknown) {
  ColumnBounds bounds;
  MergeBounds(BoundsOfColumn(Float64s({2, 3})), bounds);
  EXPECT_EQ(bounds.max, Value(3.0));
  MergeBounds(BoundsOfColumn(Float64s({1})), bounds);
  EXPECT_EQ(bounds.min, Value(1.0));
  EXPECT_EQ(bounds.max, Value(3.0));
  Column absent(FieldType::kFloat64);
  absent.AppendNull();
  MergeBounds(BoundsOfColumn(absent), bounds);
  EXPECT_EQ(bounds.min, Value(1.0));
  EXPECT_EQ(bounds.null_count, 1U);
  EXPECT_EQ(bounds.row_count, 4U);
  MergeBounds(BoundsOfColumn(Float64s({std::nan("")})), bounds);
  EXPECT_FALSE(bounds.min.has_value());
  MergeBounds(BoundsOfColumn(Float64s({5})), bounds);
  EXPECT_FALSE(bounds.max.has_value()) << "what was unknown came back";
}

}  // namespace
}  // namespace viper::parquet
