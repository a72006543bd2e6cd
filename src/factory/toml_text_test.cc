#include "factory/toml_text.h"

#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace viper::factory {
namespace {

TEST(TomlText, ReadsBackWhatItWrites) {
  const Value object(
      Value::Object{{"bool", true},
                    {"integer", -5},
                    {"float", 0.1},
                    {"whole", 2.0},
                    {"text", "a \"quoted\" line\nand ä"},
                    {"empty", Value::List{}},
                    {"list", Value::List{"a", "b"}},
                    {"group", Value::Object{{"inner", Value::Object{{"x", 1}}}, {"y", 2}}}});
  EXPECT_EQ(ParseToml(TomlOf(object)).value(), object);
}

TEST(TomlText, TimesAreTimestamps) {
  EXPECT_EQ(ParseToml("t = 2026-11-22T08:30:00Z").value(),
            Value(Value::Object{{"t", Timestamp::Parse("2026-11-22T08:30:00Z").value()}}));
  EXPECT_STATUS(kInvalidArgument, "line 1", ParseToml("t = 2026-11-22"));
}

TEST(TomlText, WhatIsWrongIsPlaced) {
  EXPECT_STATUS(kInvalidArgument, "TOML line 2 column", ParseToml("a = 1\nb = "));
  EXPECT_STATUS(kInvalidArgument, "TOML line 2", ParseToml("a = 1\na = 2"));
  EXPECT_EQ(ParseToml("").value(), Value(Value::Object()));
}

}  // namespace
}  // namespace viper::factory
