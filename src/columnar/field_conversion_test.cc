#include "columnar/field_conversion.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "testing/status_matchers.h"

namespace viper::columnar {
namespace {

constexpr int64_t kTwoTo53 = int64_t{1} << 53;

Result<Value> Convert(FieldType type, const Value& value) {
  return ConvertToField({.name = "f", .type = type}, value);
}

TEST(FieldConversion, KeepsValuesOfTheFieldsOwnKind) {
  const Value::List list = {Value("a"), Value("b")};
  for (const auto& [type, value] : std::vector<std::pair<FieldType, Value>>{
           {FieldType::kBool, true},
           {FieldType::kInt64, std::numeric_limits<int64_t>::min()},
           {FieldType::kFloat64, -0.5},
           {FieldType::kString, ""},
           {FieldType::kTimestamp, Timestamp{-1}},
           {FieldType::kStringList, list},
           {FieldType::kStringList, Value::List()}}) {
    ASSERT_OK_AND_ASSIGN(const Value converted, Convert(type, value));
    EXPECT_EQ(converted, value);
  }
}

TEST(FieldConversion, NullStaysNullForEveryType) {
  for (uint8_t type = 0; type <= static_cast<uint8_t>(FieldType::kStringList); ++type) {
    ASSERT_OK_AND_ASSIGN(const Value converted, Convert(static_cast<FieldType>(type), Value()));
    EXPECT_TRUE(converted.is_null());
  }
}

TEST(FieldConversion, WidensExactIntegersToFloats) {
  for (const int64_t exact :
       {int64_t{0}, int64_t{-7}, kTwoTo53, kTwoTo53 + 2, std::numeric_limits<int64_t>::min()}) {
    ASSERT_OK_AND_ASSIGN(const Value converted, Convert(FieldType::kFloat64, exact));
    EXPECT_EQ(converted, Value(static_cast<double>(exact)));
  }
  for (const int64_t inexact : {kTwoTo53 + 1, std::numeric_limits<int64_t>::max()}) {
    EXPECT_STATUS(kInvalidArgument, "not exact as a float", Convert(FieldType::kFloat64, inexact));
  }
}

TEST(FieldConversion, ReadsIsoStringsAsTimestamps) {
  ASSERT_OK_AND_ASSIGN(const Value converted,
                       Convert(FieldType::kTimestamp, "1970-01-01T00:00:01Z"));
  EXPECT_EQ(converted, Value(Timestamp{1'000'000}));
  EXPECT_STATUS(kInvalidArgument, "field 'f' is timestamp, it cannot hold string 'yesterday'",
                Convert(FieldType::kTimestamp, "yesterday"));
}

TEST(FieldConversion, NamesFieldTypeAndValueOfAMismatch) {
  EXPECT_STATUS(kInvalidArgument, "field 'f' is int64, it cannot hold float64 3.0",
                Convert(FieldType::kInt64, 3.0));
  EXPECT_STATUS(kInvalidArgument, "field 'f' is bool, it cannot hold int64 1",
                Convert(FieldType::kBool, 1));
  EXPECT_STATUS(kInvalidArgument, "field 'f' is string, it cannot hold list",
                Convert(FieldType::kString, Value::List()));
  EXPECT_STATUS(kInvalidArgument, "field 'f' is float64, it cannot hold string '1'",
                Convert(FieldType::kFloat64, "1"));
  EXPECT_STATUS(kInvalidArgument, "field 'f' is timestamp, it cannot hold int64 1",
                Convert(FieldType::kTimestamp, 1));
  EXPECT_STATUS(kInvalidArgument, "field 'f' is list<string>, it cannot hold string 'a'",
                Convert(FieldType::kStringList, "a"));
}

TEST(FieldConversion, RefusesListsWithOtherElements) {
  EXPECT_STATUS(kInvalidArgument, "with the element int64 2",
                Convert(FieldType::kStringList, Value::List{Value("a"), Value(2)}));
  EXPECT_STATUS(kInvalidArgument, "with the element null",
                Convert(FieldType::kStringList, Value::List{Value()}));
}

TEST(FieldConversion, RefusesWhatNeitherLogNorFileCouldGiveBack) {
  const Value bad(std::string("z\xff"));
  EXPECT_STATUS(kInvalidArgument, "field 'f' is string, it cannot hold text that is not UTF-8",
                Convert(FieldType::kString, bad));
  EXPECT_STATUS(kInvalidArgument, "not UTF-8",
                Convert(FieldType::kStringList, Value::List{"a", bad}));
  EXPECT_OK(Convert(FieldType::kTimestamp, Timestamp{kTextTimeMin}));
  EXPECT_OK(Convert(FieldType::kTimestamp, Timestamp{kTextTimeMax}));
  for (const int64_t micros : {kTextTimeMin - 1, kTextTimeMax + 1, Timestamp::Never().micros}) {
    EXPECT_STATUS(kInvalidArgument, "years 0001 to 9999",
                  Convert(FieldType::kTimestamp, Timestamp{micros}));
  }
}

TEST(FieldConversion, RefusesFloatsThatAreNotFinite) {
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    EXPECT_STATUS(kInvalidArgument, "not finite", Convert(FieldType::kFloat64, bad));
  }
}

TEST(FieldConversion, ShortensLongValuesInMessages) {
  const Status status = Convert(FieldType::kInt64, std::string(100'000, 'x')).status();
  EXPECT_LT(status.message().size(), 200U);
}

const std::vector<Value>& OfAllKinds() {
  static const std::vector<Value> kValues = {nullptr,
                                             true,
                                             1,
                                             (int64_t{1} << 53) + 1,
                                             1.5,
                                             std::nan(""),
                                             "text",
                                             "2026-11-22",
                                             Timestamp{5},
                                             Value::List{},
                                             Value::List{"a"},
                                             Value::List{1},
                                             Value::Object{}};
  return kValues;
}

constexpr FieldType kAllTypes[] = {FieldType::kBool,      FieldType::kInt64,
                                   FieldType::kFloat64,   FieldType::kString,
                                   FieldType::kTimestamp, FieldType::kStringList};

TEST(FieldConversion, WhatFitsIsWhatANewWriteMayHave) {
  for (const FieldType type : kAllTypes) {
    for (const Value& value : OfAllKinds()) {
      const auto converted = Convert(type, value);
      const auto fitting = FitToField({"f", type}, value);
      EXPECT_EQ(fitting.has_value(), converted.ok() && !value.is_null()) << value.ToJson();
      if (fitting) {
        EXPECT_EQ(*fitting, *converted);
      }
    }
  }
}

TEST(FieldConversion, WhatIsHeldAsItIsIsNotConverted) {
  for (const FieldType type : kAllTypes) {
    for (const Value& value : OfAllKinds()) {
      const auto fitting = FitToField({"f", type}, value);
      EXPECT_EQ(IsHeldAsIs(type, value), fitting && *fitting == value) << value.ToJson();
    }
  }
}

TEST(FieldConversion, AppendsWhatFitsAndNullForTheRest) {
  for (const FieldType type : kAllTypes) {
    Column column(type);
    for (const Value& value : OfAllKinds()) {
      const auto fitting = FitToField({"f", type}, value);
      EXPECT_EQ(AppendFitting({"f", type}, value, column), fitting.has_value());
      EXPECT_EQ(column.ValueAt(column.row_count() - 1), fitting ? *fitting : Value());
    }
  }
}

TEST(FieldTypeOf, IsTheTypeThatHoldsAValueAsItIs) {
  EXPECT_EQ(FieldTypeOf(true), FieldType::kBool);
  EXPECT_EQ(FieldTypeOf(1), FieldType::kInt64);
  EXPECT_EQ(FieldTypeOf(1.0), FieldType::kFloat64);
  EXPECT_EQ(FieldTypeOf("2026-01-01"), FieldType::kString);
  EXPECT_EQ(FieldTypeOf(Timestamp{1}), FieldType::kTimestamp);
  EXPECT_EQ(FieldTypeOf(Value::List{"a"}), FieldType::kStringList);
  EXPECT_EQ(FieldTypeOf(Value::List{"a", 1}), std::nullopt);
  EXPECT_EQ(FieldTypeOf(Value::Object{}), std::nullopt);
  EXPECT_EQ(FieldTypeOf(nullptr), std::nullopt);
}

}  // namespace
}  // namespace viper::columnar
