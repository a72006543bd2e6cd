#include "storage/json_fields.h"

#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace viper::storage {
namespace {

Value Parse(std::string_view json) { return Value::FromJson(json).value(); }

TEST(JsonFields, ReadsEveryKind) {
  const Value value = Parse(R"({"s":"x","i":-3,"b":true,"o":{"k":1},"m":{"a":"b","n":null},
                                "l":["p","q"],"nothing":null})");
  const JsonFields fields("add", *value.as_object());
  EXPECT_EQ(*fields.String("s"), "x");
  EXPECT_EQ(*fields.Int("i"), -3);
  EXPECT_EQ(*fields.Bool("b"), true);
  EXPECT_EQ((*fields.FindObject("o"))->size(), 1);
  EXPECT_EQ(*fields.StringMap("m"), (std::map<std::string, std::string>{{"a", "b"}}));
  EXPECT_EQ(*fields.StringList("l"), (std::vector<std::string>{"p", "q"}));
}

TEST(JsonFields, NullIsAbsent) {
  const Value value = Parse(R"({"x":null})");
  const JsonFields fields("add", *value.as_object());
  for (const char* name : {"x", "y"}) {
    EXPECT_EQ(*fields.FindString(name), std::nullopt);
    EXPECT_EQ(*fields.FindInt(name), std::nullopt);
    EXPECT_EQ(*fields.FindBool(name), std::nullopt);
    EXPECT_EQ(*fields.FindObject(name), nullptr);
    EXPECT_TRUE(fields.StringMap(name)->empty());
    EXPECT_TRUE(fields.StringList(name)->empty());
    EXPECT_STATUS(kCorruption, std::string("add.") + name + " is missing", fields.String(name));
    EXPECT_STATUS(kCorruption, "is missing", fields.Int(name));
    EXPECT_STATUS(kCorruption, "is missing", fields.Bool(name));
  }
}

TEST(JsonFields, AnotherTypeIsCorrupt) {
  const Value value = Parse(R"({"f":1.5,"m":{"a":1},"l":[1]})");
  const JsonFields fields("add", *value.as_object());
  EXPECT_STATUS(kCorruption, "add.f has a wrong type: expected=string actual=float64",
                fields.FindString("f"));
  EXPECT_STATUS(kCorruption, "expected=int64", fields.FindInt("f"));
  EXPECT_STATUS(kCorruption, "expected=bool", fields.FindBool("f"));
  EXPECT_STATUS(kCorruption, "expected=object", fields.FindObject("f"));
  EXPECT_STATUS(kCorruption, "expected=map of strings", fields.StringMap("m"));
  EXPECT_STATUS(kCorruption, "expected=list", fields.StringList("f"));
  EXPECT_STATUS(kCorruption, "expected=list of strings", fields.StringList("l"));
}

}  // namespace
}  // namespace viper::storage
