#include "columnar/column.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "base/random.h"

namespace viper::columnar {
namespace {

constexpr std::array<FieldType, 6> kTypes = {FieldType::kBool,      FieldType::kInt64,
                                             FieldType::kFloat64,   FieldType::kString,
                                             FieldType::kTimestamp, FieldType::kStringList};

Value RandomValueOf(Random& random, FieldType type) {
  if (random.Chance(0.3)) return {};
  switch (type) {
    case FieldType::kBool:
      return random.Chance(0.5);
    case FieldType::kInt64:
      return static_cast<int64_t>(random.Next());
    case FieldType::kFloat64:
      return random.UniformDouble();
    case FieldType::kString:
      return std::string(random.Uniform(5), 'x');
    case FieldType::kTimestamp:
      return Timestamp{static_cast<int64_t>(random.Next())};
    case FieldType::kStringList:
      break;
  }
  Value::List list;
  for (uint64_t i = random.Uniform(3); i > 0; --i) list.emplace_back(std::string(i, 'y'));
  return list;
}

std::vector<Value> RandomValues(Random& random, FieldType type, size_t count) {
  std::vector<Value> values;
  values.reserve(count);
  for (size_t i = 0; i < count; ++i) values.push_back(RandomValueOf(random, type));
  return values;
}

Column ColumnOf(FieldType type, const std::vector<Value>& values) {
  Column column(type);
  for (const Value& value : values) column.AppendValue(value);
  return column;
}

TEST(Column, GivesBackWhatWasAppended) {
  Random random(1);
  for (const FieldType type : kTypes) {
    const std::vector<Value> values = RandomValues(random, type, 150);
    const Column column = ColumnOf(type, values);
    ASSERT_EQ(column.row_count(), values.size());
    ASSERT_EQ(column.validity().size(), values.size());
    size_t null_count = 0;
    for (size_t row = 0; row < values.size(); ++row) {
      EXPECT_EQ(column.ValueAt(row), values[row]) << FieldTypeName(type) << " row " << row;
      EXPECT_EQ(column.IsPresent(row), !values[row].is_null());
      EXPECT_EQ(column.validity().Test(row), !values[row].is_null());
      null_count += values[row].is_null() ? 1 : 0;
    }
    EXPECT_EQ(column.null_count(), null_count);
  }
}

TEST(Column, ValidityHasABitPerRowAlsoWithoutNulls) {
  Column column(FieldType::kInt64);
  for (int64_t i = 0; i < 100; ++i) column.AppendInt64(i);
  EXPECT_EQ(column.validity(), Bitmap(100, true));
}

TEST(Column, EqualityDoesNotDependOnHowItWasBuilt) {
  Random random(2);
  for (const FieldType type : kTypes) {
    const std::vector<Value> values = RandomValues(random, type, 130);
    const Column whole = ColumnOf(type, values);
    Column pieces(type);
    for (size_t first = 0; first < values.size();) {
      const size_t count = std::min<size_t>(values.size() - first, random.Uniform(40));
      // From the middle of another column, so that offsets have to be moved.
      Column padded(type);
      padded.AppendRows(whole, 0, first);
      padded.AppendRows(whole, 0, whole.row_count());
      pieces.AppendRows(padded, first + first, count);
      first += count;
    }
    EXPECT_EQ(pieces, whole) << FieldTypeName(type);
  }
}

TEST(Column, DiffersByTypePresenceAndValue) {
  Column zero(FieldType::kInt64);
  zero.AppendInt64(0);
  Column null(FieldType::kInt64);
  null.AppendNull();
  Column time(FieldType::kTimestamp);
  time.AppendInt64(0);
  EXPECT_FALSE(zero == null);
  EXPECT_FALSE(zero == time);
  Column one(FieldType::kInt64);
  one.AppendInt64(1);
  EXPECT_FALSE(zero == one);
}

TEST(Column, AppendingNoRowsChangesNothing) {
  for (const FieldType type : kTypes) {
    Column column(type);
    column.AppendRows(Column(type), 0, 0);
    EXPECT_EQ(column, Column(type));
  }
}

TEST(Column, EmptyStringAndEmptyListArePresent) {
  Column text(FieldType::kString);
  text.AppendString("");
  EXPECT_EQ(text.ValueAt(0), Value(""));
  Column list(FieldType::kStringList);
  list.AppendStringList({});
  EXPECT_EQ(list.ValueAt(0), Value(Value::List()));
  EXPECT_EQ(list.null_count(), 0U);
}

TEST(Column, MemoryGrowsWithWhatItHolds) {
  for (const FieldType type : kTypes) {
    Random random(3);
    const Column column = ColumnOf(type, RandomValues(random, type, 1000));
    EXPECT_GE(column.memory_bytes(), 1000U) << FieldTypeName(type);
    EXPECT_LE(column.memory_bytes(), 64'000U) << FieldTypeName(type);
  }
}

TEST(ColumnDeathTest, RefusesAValueOfAnotherType) {
  Column column(FieldType::kInt64);
  EXPECT_DEATH(column.AppendString("x"), "");
  EXPECT_DEATH(column.AppendValue(Timestamp{1}), "");
  EXPECT_DEATH(column.AppendRows(Column(FieldType::kString), 0, 0), "");
  EXPECT_DEATH(column.AppendRows(Column(FieldType::kInt64), 0, 1), "");
}

TEST(StringArray, AppendRangeMovesOffsets) {
  StringArray source;
  for (const char* text : {"one", "", "three", "four"}) source.Append(text);
  StringArray target;
  target.Append("zero");
  target.AppendRange(source, 1, 2);
  ASSERT_EQ(target.size(), 3U);
  EXPECT_EQ(target[0], "zero");
  EXPECT_EQ(target[1], "");
  EXPECT_EQ(target[2], "three");
}

}  // namespace
}  // namespace viper::columnar
