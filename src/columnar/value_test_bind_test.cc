// The roundings of BindTypedTest at the borders of int64 and float64.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

#include "columnar/bound_filter.h"
#include "testing/status_matchers.h"

namespace viper::columnar {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kTwoTo53 = int64_t{1} << 53;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

ValueTest Bind(FieldType type, FilterOp op, std::vector<Value> literals) {
  FilterNode node;
  node.op = op;
  node.path = {"f"};
  node.values = std::move(literals);
  return BindTypedTest(type, node).value();
}

struct Int64Case {
  FilterOp op;
  Value literal;
  int64_t first;
  int64_t last;
};

TEST(BindTypedTest, RoundsFloatLiteralsForIntegers) {
  for (const auto& [op, literal, first, last] :
       std::vector<Int64Case>{{FilterOp::kGreater, 1999.5, 2000, kMax},
                              {FilterOp::kGreaterEqual, 1999.5, 2000, kMax},
                              {FilterOp::kLess, 1999.5, kMin, 1999},
                              {FilterOp::kLessEqual, 1999.5, kMin, 1999},
                              {FilterOp::kGreater, 2000.0, 2001, kMax},
                              {FilterOp::kGreaterEqual, 2000.0, 2000, kMax},
                              {FilterOp::kLess, 2000.0, kMin, 1999},
                              {FilterOp::kLessEqual, -0.5, kMin, -1},
                              {FilterOp::kGreater, -0.5, 0, kMax},
                              {FilterOp::kEqual, 2000.0, 2000, 2000},
                              {FilterOp::kLess, 1e300, kMin, kMax},
                              {FilterOp::kGreater, -1e300, kMin, kMax},
                              {FilterOp::kLess, 0x1p63, kMin, kMax},
                              {FilterOp::kGreaterEqual, -0x1p63, kMin, kMax},
                              {FilterOp::kEqual, -0x1p63, kMin, kMin},
                              {FilterOp::kLess, int64_t{5}, kMin, 4},
                              {FilterOp::kGreater, int64_t{5}, 6, kMax},
                              {FilterOp::kLessEqual, kMax, kMin, kMax},
                              {FilterOp::kGreaterEqual, kMin, kMin, kMax}}) {
    const auto range = std::get<NumberRange<int64_t>>(Bind(FieldType::kInt64, op, {literal}));
    EXPECT_EQ(range.first, first) << FilterOpName(op) << " " << literal.ToJson();
    EXPECT_EQ(range.last, last) << FilterOpName(op) << " " << literal.ToJson();
  }
}

TEST(BindTypedTest, ComparisonsThatNoIntegerMeetsAreEmptyRanges) {
  for (const auto& [op, literal] :
       std::vector<std::pair<FilterOp, Value>>{{FilterOp::kEqual, 1999.5},
                                               {FilterOp::kEqual, 1e300},
                                               {FilterOp::kGreater, kMax},
                                               {FilterOp::kLess, kMin},
                                               {FilterOp::kGreater, 0x1p63},
                                               {FilterOp::kLess, -0x1p63},
                                               {FilterOp::kLessEqual, -1e300}}) {
    const auto range = std::get<NumberRange<int64_t>>(Bind(FieldType::kInt64, op, {literal}));
    EXPECT_GT(range.first, range.last) << FilterOpName(op) << " " << literal.ToJson();
  }
}

struct Float64Case {
  FilterOp op;
  Value literal;
  double first;
  double last;
};

TEST(BindTypedTest, PlacesIntegerLiteralsBetweenFloats) {
  const double above = 0x1p53 + 2;
  for (const auto& [op, literal, first, last] :
       std::vector<Float64Case>{{FilterOp::kEqual, int64_t{3}, 3.0, 3.0},
                                {FilterOp::kLess, kTwoTo53 + 1, -kInfinity, 0x1p53},
                                {FilterOp::kLessEqual, kTwoTo53 + 1, -kInfinity, 0x1p53},
                                {FilterOp::kGreater, kTwoTo53 + 1, above, kInfinity},
                                {FilterOp::kGreaterEqual, kTwoTo53 + 1, above, kInfinity},
                                {FilterOp::kLess, kTwoTo53, -kInfinity, std::nextafter(0x1p53, 0)},
                                {FilterOp::kGreater, kMax, 0x1p63, kInfinity},
                                {FilterOp::kLess, kMax, -kInfinity, std::nextafter(0x1p63, 0)},
                                {FilterOp::kLess, 0.0, -kInfinity, -5e-324},
                                {FilterOp::kGreater, 1.5, std::nextafter(1.5, 2), kInfinity}}) {
    const auto range = std::get<NumberRange<double>>(Bind(FieldType::kFloat64, op, {literal}));
    EXPECT_EQ(range.first, first) << FilterOpName(op) << " " << literal.ToJson();
    EXPECT_EQ(range.last, last) << FilterOpName(op) << " " << literal.ToJson();
  }
  const auto none =
      std::get<NumberRange<double>>(Bind(FieldType::kFloat64, FilterOp::kEqual, {kTwoTo53 + 1}));
  EXPECT_GT(none.first, none.last);
}

TEST(BindTypedTest, ListsBecomeSortedSetsOfWhatCanOccur) {
  const auto integers = std::get<NumberSet<int64_t>>(
      Bind(FieldType::kInt64, FilterOp::kIn, {5, 1, 5.0, 2.5, 1e300, -3}));
  EXPECT_EQ(integers.numbers, (std::vector<int64_t>{-3, 1, 5}));
  const auto reals = std::get<NumberSet<double>>(
      Bind(FieldType::kFloat64, FilterOp::kIn, {kTwoTo53 + 1, 2, 2.0, 0.5}));
  EXPECT_EQ(reals.numbers, (std::vector<double>{0.5, 2.0}));
  const auto strings =
      std::get<StringSet>(Bind(FieldType::kString, FilterOp::kIn, {"b", "a", "b"}));
  EXPECT_EQ(strings.strings.size(), 2U);
}

TEST(BindTypedTest, BetweenIsTheCommonRange) {
  const auto range =
      std::get<NumberRange<int64_t>>(Bind(FieldType::kInt64, FilterOp::kBetween, {1.5, 3.5}));
  EXPECT_EQ(range.first, 2);
  EXPECT_EQ(range.last, 3);
  const auto none =
      std::get<NumberRange<int64_t>>(Bind(FieldType::kInt64, FilterOp::kBetween, {5, 1}));
  EXPECT_GT(none.first, none.last);
}

TEST(BindTypedTest, TimesBecomeMicroseconds) {
  const auto range = std::get<NumberRange<int64_t>>(
      Bind(FieldType::kTimestamp, FilterOp::kBetween, {"1970-01-01", Timestamp{7}}));
  EXPECT_EQ(range.first, 0);
  EXPECT_EQ(range.last, 7);
}

}  // namespace
}  // namespace viper::columnar
