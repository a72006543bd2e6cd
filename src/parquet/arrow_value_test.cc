#include "parquet/arrow_value.h"

#include <string>

#include <arrow/array/array_dict.h>
#include <arrow/array/builder_binary.h>
#include <arrow/extension/uuid.h>
#include <gtest/gtest.h>

#include "parquet/arrow_fixture.h"
#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

using ::arrow::TimeUnit;

Result<Value> FirstCell(const std::shared_ptr<::arrow::DataType>& type, const std::string& json) {
  return ValueOfCell(*FromJson(type, json), 0);
}

TEST(ArrowValue, NumbersKeepTheirKindAndValue) {
  EXPECT_EQ(FirstCell(::arrow::int8(), "[-128]").value(), Value(-128));
  EXPECT_EQ(FirstCell(::arrow::uint32(), "[4294967295]").value(), Value(int64_t{4294967295}));
  EXPECT_EQ(FirstCell(::arrow::uint64(), "[9223372036854775807]").value(), Value(INT64_MAX));
  EXPECT_STATUS(kInvalidArgument, "beyond 64 bits",
                FirstCell(::arrow::uint64(), "[9223372036854775808]"));
  EXPECT_EQ(FirstCell(::arrow::float16(), "[0.5]").value(), Value(0.5));
  EXPECT_EQ(FirstCell(::arrow::float32(), "[0.5]").value(), Value(0.5));
  EXPECT_EQ(FirstCell(::arrow::float64(), "[1]").value(), Value(1.0));
}

TEST(ArrowValue, NullAndNotANumberAreAbsent) {
  EXPECT_EQ(FirstCell(::arrow::int64(), "[null]").value(), Value());
  EXPECT_EQ(FirstCell(::arrow::null(), "[null]").value(), Value());
  EXPECT_EQ(FirstCell(::arrow::float64(), "[NaN]").value(), Value());
  EXPECT_STATUS(kInvalidArgument, "infinite", FirstCell(::arrow::float32(), "[-Inf]"));
}

TEST(ArrowValue, TimesOfEveryUnitAreMicroseconds) {
  EXPECT_EQ(FirstCell(::arrow::timestamp(TimeUnit::SECOND), "[-1]").value(),
            Value(Timestamp{-1'000'000}));
  EXPECT_EQ(FirstCell(::arrow::timestamp(TimeUnit::NANO), "[-1]").value(), Value(Timestamp{-1}));
  EXPECT_EQ(FirstCell(::arrow::timestamp(TimeUnit::NANO), "[1999]").value(), Value(Timestamp{1}));
  EXPECT_EQ(FirstCell(::arrow::date64(), "[86400000]").value(), Value(Timestamp{86'400'000'000}));
  EXPECT_EQ(FirstCell(::arrow::time32(TimeUnit::SECOND), "[30600]").value(), Value("08:30:00"));
  EXPECT_STATUS(kInvalidArgument, "years",
                FirstCell(::arrow::timestamp(TimeUnit::SECOND), "[9223372036854775807]"));
  EXPECT_STATUS(kInvalidArgument, "years",
                FirstCell(::arrow::timestamp(TimeUnit::MICRO), "[-62135596800000001]"));
}

TEST(ArrowValue, AValueThatIsNotInItsDictionaryIsDamage) {
  const auto type = ::arrow::dictionary(::arrow::int32(), ::arrow::utf8());
  for (const char* index : {"[3]", "[-1]"}) {
    const ::arrow::DictionaryArray array(type, FromJson(::arrow::int32(), index),
                                         FromJson(::arrow::utf8(), R"(["a", "b", "c"])"));
    EXPECT_STATUS(kCorruption, "not in its dictionary", ValueOfCell(array, 0));
    EXPECT_STATUS(kCorruption, "not in its dictionary", IdOfCell(array, 0));
  }
}

TEST(ArrowValue, TextMustBeUtf8) {
  EXPECT_EQ(FirstCell(::arrow::large_utf8(), R"(["ä"])").value(), Value("ä"));
  EXPECT_EQ(FirstCell(::arrow::utf8_view(), R"(["a long text beside the view"])").value(),
            Value("a long text beside the view"));
  ::arrow::StringBuilder builder;
  ASSERT_TRUE(builder.Append("\xFF").ok());
  EXPECT_STATUS(kInvalidArgument, "UTF-8", ValueOfCell(*ValueOrAbort(builder.Finish()), 0));
}

TEST(ArrowValue, NestedCellsKeepTheirNulls) {
  const auto inner = ::arrow::struct_(
      {::arrow::field("a", ::arrow::int64()), ::arrow::field("b", ::arrow::list(::arrow::utf8()))});
  EXPECT_EQ(FirstCell(::arrow::list(inner), R"([[[1, ["x", null]], null, [null, null]]])").value(),
            Value(Value::List{Value::Object{{"a", 1}, {"b", Value::List{"x", Value()}}}, Value(),
                              Value::Object{}}));
}

TEST(ArrowValue, SlicesReadTheirOwnRows) {
  const auto lists = FromJson(::arrow::list(::arrow::int64()), "[[1], [2, 3], [4]]")->Slice(1);
  EXPECT_EQ(ValueOfCell(*lists, 0).value(), Value(Value::List{2, 3}));
  const auto fixed =
      FromJson(::arrow::fixed_size_list(::arrow::int64(), 2), "[[1, 2], [3, 4]]")->Slice(1);
  EXPECT_EQ(ValueOfCell(*fixed, 0).value(), Value(Value::List{3, 4}));
  const auto structs =
      FromJson(::arrow::struct_({::arrow::field("a", ::arrow::int64())}), R"([{"a": 1}, {"a": 2}])")
          ->Slice(1);
  EXPECT_EQ(ValueOfCell(*structs, 0).value(), Value(Value::Object{{"a", 2}}));
}

TEST(ArrowValue, TypesWithoutAPlaceAreRefused) {
  for (const auto& type :
       {::arrow::binary(), ::arrow::fixed_size_binary(4), ::arrow::duration(TimeUnit::SECOND),
        ::arrow::month_interval(), ::arrow::list(::arrow::binary()),
        ::arrow::map(::arrow::int64(), ::arrow::utf8()),
        ::arrow::struct_({::arrow::field("x", ::arrow::binary())})}) {
    EXPECT_STATUS(kInvalidArgument, "no place in metadata", CheckHasValue(*type));
  }
  auto deep = ::arrow::int64();
  for (int level = 0; level < 63; ++level) deep = ::arrow::list(deep);
  EXPECT_OK(CheckHasValue(*deep));
  EXPECT_STATUS(kInvalidArgument, "too deep", CheckHasValue(*::arrow::list(deep)));
}

TEST(ArrowValue, DeclaredTypesFitTheirCells) {
  EXPECT_EQ(DeclaredTypeOf(*::arrow::uint8()), FieldType::kInt64);
  EXPECT_EQ(DeclaredTypeOf(*::arrow::float16()), FieldType::kFloat64);
  EXPECT_EQ(DeclaredTypeOf(*::arrow::dictionary(::arrow::int8(), ::arrow::utf8())),
            FieldType::kString);
  EXPECT_EQ(DeclaredTypeOf(*::arrow::date32()), FieldType::kTimestamp);
  EXPECT_EQ(DeclaredTypeOf(*::arrow::large_list(::arrow::utf8())), FieldType::kStringList);
  EXPECT_EQ(DeclaredTypeOf(*::arrow::list(::arrow::int64())), std::nullopt);
  EXPECT_EQ(DeclaredTypeOf(*::arrow::struct_({})), std::nullopt);
}

TEST(ArrowValue, IdsAreTextIntegersAndUuids) {
  EXPECT_EQ(IdOfCell(*FromJson(::arrow::uint64(), "[18446744073709551615]"), 0).value(),
            "18446744073709551615");
  EXPECT_EQ(IdOfCell(*FromJson(::arrow::int8(), "[-3]"), 0).value(), "-3");
  EXPECT_EQ(
      IdOfCell(
          *FromJson(::arrow::dictionary(::arrow::int8(), ::arrow::utf8()), R"(["a", "b", "a"])"), 2)
          .value(),
      "a");
  EXPECT_FALSE(IdOfCell(*FromJson(::arrow::utf8(), "[null]"), 0).value().has_value());
  const auto uuids = ::arrow::ExtensionType::WrapArray(
      ::arrow::extension::uuid(),
      FromJson(::arrow::fixed_size_binary(16), R"(["0123456789abcdef"])"));
  EXPECT_OK(CheckHasId(*uuids->type()));
  EXPECT_EQ(IdOfCell(*uuids, 0).value(), "30313233-3435-3637-3839-616263646566");
  EXPECT_EQ(ValueOfCell(*uuids, 0).value(), Value("30313233-3435-3637-3839-616263646566"));
  EXPECT_EQ(DeclaredTypeOf(*uuids->type()), FieldType::kString);
  EXPECT_STATUS(kInvalidArgument, "ids are text", CheckHasId(*::arrow::fixed_size_binary(8)));
}

}  // namespace
}  // namespace viper::parquet
