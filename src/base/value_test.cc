#include "viper/value.h"

#include <cfloat>
#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "base/random.h"
#include "testing/random_records.h"
#include "testing/status_matchers.h"

namespace viper {
namespace {

Value Parse(std::string_view json) {
  Result<Value> value = Value::FromJson(json);
  EXPECT_OK(value) << json;
  return value.ok() ? std::move(value).value() : Value();
}

std::string Nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Value, KindsAndAccess) {
  EXPECT_TRUE(Value().is_null());
  EXPECT_TRUE(Value(nullptr).is_null());
  EXPECT_EQ(*Value(true).as_bool(), true);
  EXPECT_EQ(*Value(7).as_int64(), 7);
  EXPECT_EQ(*Value(7.5).as_float64(), 7.5);
  EXPECT_EQ(*Value("text").as_string(), "text");
  EXPECT_EQ(Value(Timestamp{5}).as_timestamp()->micros, 5);
  EXPECT_EQ(Value(Value::List{1, 2}).as_list()->size(), 2U);
  EXPECT_EQ(Value(Value::Object{{"a", 1}}).as_object()->size(), 1U);
  EXPECT_EQ(Value(7).as_float64(), nullptr);
  EXPECT_EQ(Value(7.0).as_int64(), nullptr);
}

TEST(Value, EqualityIsExact) {
  EXPECT_EQ(Value(1), Value(int64_t{1}));
  EXPECT_NE(Value(1), Value(1.0));
  EXPECT_NE(Value("1970-01-01T00:00:00Z"), Value(Timestamp{0}));
}

TEST(Value, EveryKindHasItsName) {
  EXPECT_EQ(KindName(Value().kind()), "null");
  EXPECT_EQ(KindName(Value(true).kind()), "bool");
  EXPECT_EQ(KindName(Value(1).kind()), "int64");
  EXPECT_EQ(KindName(Value(1.0).kind()), "float64");
  EXPECT_EQ(KindName(Value("").kind()), "string");
  EXPECT_EQ(KindName(Value(Timestamp{}).kind()), "timestamp");
  EXPECT_EQ(KindName(Value(Value::List{}).kind()), "list");
  EXPECT_EQ(KindName(Value(Value::Object{}).kind()), "object");
}

TEST(ValueToJson, IsCanonical) {
  const Value value = Value::Object{{"b", Value::List{1, "x", nullptr, true, false}},
                                    {"a", Value::Object{{"z", 1.5}, {"", Value::List{}}}},
                                    {"c", Value::Object{}},
                                    {"t", Timestamp{0}}};
  EXPECT_EQ(
      value.ToJson(),
      R"({"a":{"":[],"z":1.5},"b":[1,"x",null,true,false],"c":{},"t":"1970-01-01T00:00:00Z"})");
}

TEST(ValueToJson, FloatsNeverLookLikeIntegers) {
  EXPECT_EQ(Value(1.0).ToJson(), "1.0");
  EXPECT_EQ(Value(-0.0).ToJson(), "-0.0");
  EXPECT_EQ(Value(1e22).ToJson(), "1e+22");
  EXPECT_EQ(Value(0.1).ToJson(), "0.1");
  EXPECT_EQ(Value(100000.0).ToJson(), "1e+05");  // the shortest form
  EXPECT_EQ(Value(5e-324).ToJson(), "5e-324");
  EXPECT_EQ(Value(std::nan("")).ToJson(), "null");
  EXPECT_EQ(Value(std::numeric_limits<double>::infinity()).ToJson(), "null");
}

TEST(ValueToJson, EscapesOnlyWhatItMust) {
  EXPECT_EQ(Value("\"\\/\b\f\n\r\t\x01\x1f\x7f ä\U0001F600").ToJson(),
            "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f ä\U0001F600\"");
  EXPECT_EQ(Value(std::string("\0", 1)).ToJson(), "\"\\u0000\"");
}

TEST(ValueFromJson, NoTextIsNoDocument) {
  EXPECT_STATUS(kInvalidArgument, "JSON", Value::FromJson(std::string_view()));
  EXPECT_STATUS(kInvalidArgument, "JSON", Value::FromJson("  "));
}

TEST(ValueFromJson, KeepsIntegersAndFloatsApart) {
  EXPECT_EQ(Parse("1"), Value(1));
  EXPECT_EQ(Parse("1.0"), Value(1.0));
  EXPECT_EQ(Parse("1e2"), Value(100.0));
  EXPECT_EQ(Parse("-9223372036854775808"), Value(std::numeric_limits<int64_t>::min()));
  EXPECT_EQ(Parse("9223372036854775807"), Value(std::numeric_limits<int64_t>::max()));
  EXPECT_TRUE(std::signbit(*Parse("-0.0").as_float64()));
}

TEST(ValueFromJson, IntegersOutside64BitsAreRefused) {
  EXPECT_STATUS(kInvalidArgument, "actual=9223372036854775808",
                Value::FromJson("9223372036854775808"));
  EXPECT_STATUS(kInvalidArgument, "JSON", Value::FromJson("18446744073709551616"));
  EXPECT_STATUS(kInvalidArgument, "JSON", Value::FromJson("[-9223372036854775809]"));
  EXPECT_STATUS(kInvalidArgument, "JSON", Value::FromJson("1e999"));
}

TEST(ValueFromJson, TheLastOfEqualKeysWins) {
  EXPECT_EQ(Parse(R"({"a":1,"b":2,"a":3})"), (Value(Value::Object{{"a", 3}, {"b", 2}})));
}

TEST(ValueFromJson, DepthIsLimited) {
  EXPECT_OK(Value::FromJson(Nested(64)));
  EXPECT_STATUS(kInvalidArgument, "max=64", Value::FromJson(Nested(65)));
  EXPECT_STATUS(kInvalidArgument, "max=64", Value::FromJson(Nested(5000)));
  std::string objects = "1";
  for (int i = 0; i < 64; ++i) objects = R"({"k":)" + objects + "}";
  EXPECT_OK(Value::FromJson(objects));
  EXPECT_STATUS(kInvalidArgument, "max=64", Value::FromJson("[" + objects + "]"));
}

TEST(ValueFromJson, MalformedTextIsRefused) {
  for (std::string_view json : {"",
                                " ",
                                "nul",
                                "{",
                                "[1,]",
                                "{\"a\"}",
                                "{a:1}",
                                "'a'",
                                "01",
                                "1.",
                                ".5",
                                "+1",
                                "NaN",
                                "Infinity",
                                "1 2",
                                "[1][2]",
                                "\"a",
                                "\"\n\"",
                                "\"\\x\"",
                                "// c",
                                "{\"a\":1,}",
                                "\xff",
                                "\"\xC0\xAF\"",
                                "\"\xED\xA0\x80\"",
                                "[\"\\ud800\"]",
                                "\"\\udc00\"",
                                "{\"\\udc00\":1}",
                                "\"\\ud800\\u0041\""}) {
    EXPECT_STATUS(kInvalidArgument, "JSON", Value::FromJson(json)) << json;
  }
  EXPECT_STATUS(kInvalidArgument, "JSON", Value::FromJson(std::string_view("1\0", 2)));
}

TEST(ValueFromJson, EscapesAreResolved) {
  EXPECT_EQ(Parse(R"("\u0041\ud83d\ude00\n\/\u0000")"), Value(std::string("A\U0001F600\n/\0", 8)));
}

TEST(ValueFromJson, ReadsViewsThatAreNotTerminated) {
  const std::string text = "[1,2]garbage";
  EXPECT_EQ(Parse(std::string_view(text).substr(0, 5)), (Value(Value::List{1, 2})));
  const std::vector<char> exact = {'1', '2', '3'};
  EXPECT_EQ(Parse(std::string_view(exact.data(), exact.size())), Value(123));
}

TEST(ValueFromJson, GoesOnAfterErrorsAndLargeDocuments) {
  EXPECT_STATUS(kInvalidArgument, "JSON", Value::FromJson("{"));
  const std::string large = "\"" + std::string(3 << 20, 'x') + "\"";
  EXPECT_EQ(Parse(large).as_string()->size(), size_t{3} << 20);
  EXPECT_EQ(Parse("[true]"), Value(Value::List{true}));
}

TEST(Value, PrintedValuesReadBackTheSame) {
  constexpr uint64_t kSeed = 11;
  Random random(kSeed);
  for (int round = 0; round < 3000; ++round) {
    const Value value = RandomValue(random, 4);
    const std::string json = value.ToJson();
    const Result<Value> parsed = Value::FromJson(json);
    ASSERT_OK(parsed) << "seed=" << kSeed << " round=" << round << '\n' << json;
    ASSERT_EQ(*parsed, value) << json;
    ASSERT_EQ(parsed->ToJson(), json);
  }
}

TEST(Value, EveryDoubleReadsBackBitForBit) {
  constexpr uint64_t kSeed = 12;
  Random random(kSeed);
  for (int round = 0; round < 20'000; ++round) {
    const auto number = std::bit_cast<double>(random.Next());
    if (!std::isfinite(number)) continue;
    const Value value = Parse(Value(number).ToJson());
    ASSERT_NE(value.as_float64(), nullptr) << number;
    ASSERT_EQ(std::bit_cast<uint64_t>(*value.as_float64()), std::bit_cast<uint64_t>(number));
  }
}

}  // namespace
}  // namespace viper
