#include "columnar/filter_message.h"

#include <gtest/gtest.h>

#include <string>

#include "base/utf8.h"

namespace viper::columnar {
namespace {

TEST(FilterMessage, PositionZeroIsNotShown) {
  EXPECT_EQ(AtPosition(0), "");
  EXPECT_EQ(AtPosition(12), " at position 12");
}

TEST(FilterMessage, ShortensAtACharacter) {
  EXPECT_EQ(Shortened("short"), "short");
  EXPECT_EQ(Shortened(std::string(64, 'x')), std::string(64, 'x'));
  EXPECT_EQ(Shortened(std::string(65, 'x')), std::string(64, 'x') + "...");
  for (size_t shift = 0; shift < 4; ++shift) {
    std::string text(shift, 'x');
    while (text.size() < 100) text += "\xF0\x9F\x98\x80";
    EXPECT_TRUE(IsValidUtf8(Shortened(text))) << shift;
    EXPECT_LE(Shortened(text).size(), 67U);
  }
}

TEST(FilterMessage, ShortensBytesThatAreNoCharacters) {
  EXPECT_EQ(Shortened(std::string(100, '\x80')), "...");
}

TEST(FilterMessage, DescribesValuesWithTheirKind) {
  EXPECT_EQ(Described(5), "int64 5");
  EXPECT_EQ(Described(2.0), "float64 2.0");
  EXPECT_EQ(Described(true), "bool true");
  EXPECT_EQ(Described("a'b"), "string 'a'b'");
  EXPECT_EQ(Described(Timestamp{0}), "timestamp '1970-01-01T00:00:00Z'");
  EXPECT_EQ(Described(Value()), "null");
  EXPECT_EQ(Described(Value::Object{{"a", Value(1)}}), "object");
}

TEST(FilterMessage, JoinsPathsByDots) { EXPECT_EQ(PathName({"a", "b", "c"}), "a.b.c"); }

TEST(FilterMessage, ErrorsAreInvalidArguments) {
  EXPECT_EQ(FilterError("x").ToString(), "InvalidArgument: filter: x");
}

}  // namespace
}  // namespace viper::columnar
