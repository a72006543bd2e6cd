#include "columnar/json_length.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace viper::columnar {
namespace {

uint64_t LengthIn(const Column& column) { return JsonLengthAt(column, column.row_count() - 1); }

TEST(JsonLength, IsThatOfWhatIsPrinted) {
  for (const std::string text :
       {"", "plain", "\"\\/", "\b\f\n\r\t", "\x01\x1f\x7f", "ä\U0001F600"}) {
    EXPECT_EQ(JsonLengthOf(text), Value(text).ToJson().size()) << text;
  }
  EXPECT_EQ(JsonLengthOf(std::string(1, '\0')), 8u);
  for (const int64_t number :
       {int64_t{0}, int64_t{-1}, int64_t{9}, int64_t{10}, int64_t{-100},
        std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    Column column(FieldType::kInt64);
    column.AppendInt64(number);
    EXPECT_EQ(LengthIn(column), Value(number).ToJson().size()) << number;
  }
  const std::vector<std::pair<FieldType, Value>> others = {
      {FieldType::kBool, true},
      {FieldType::kFloat64, 0.1},
      {FieldType::kTimestamp, Timestamp{1'700'000'000'123'000}},
      {FieldType::kStringList, Value::List{"a", "b\n"}}};
  for (const auto& [type, value] : others) {
    Column column(type);
    column.AppendNull();
    column.AppendValue(value);
    EXPECT_EQ(LengthIn(column), value.ToJson().size()) << value.ToJson();
  }
}

RC_GTEST_PROP(JsonLength, HoldsForAnyText, (const std::string& text)) {
  Column column(FieldType::kString);
  column.AppendString(text);
  RC_ASSERT(LengthIn(column) == Value(text).ToJson().size());
}

}  // namespace
}  // namespace viper::columnar
