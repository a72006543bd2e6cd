#include "pipeline/csv_cell.h"

#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace viper::pipeline {
namespace {

TEST(CsvCell, TypeIsWhatTheTextLooksLike) {
  EXPECT_EQ(TypeCsvCell("true"), Value(true));
  EXPECT_EQ(TypeCsvCell("False"), Value(false));
  EXPECT_EQ(TypeCsvCell("tRUE"), Value("tRUE"));
  EXPECT_EQ(TypeCsvCell("0"), Value(0));
  EXPECT_EQ(TypeCsvCell("-17"), Value(-17));
  EXPECT_EQ(TypeCsvCell("9223372036854775807"), Value(std::numeric_limits<int64_t>::max()));
  EXPECT_EQ(TypeCsvCell("1.0"), Value(1.0));
  EXPECT_EQ(TypeCsvCell("-1e3"), Value(-1000.0));
  EXPECT_EQ(TypeCsvCell(".5"), Value(0.5));
}

TEST(CsvCell, TextThatANumberWouldNotGiveBackStaysText) {
  for (const char* text : {"007",
                           "-0",
                           "+5",
                           "9223372036854775808",
                           "123456789012345678901",
                           "1e999",
                           "nan",
                           "inf",
                           "0x1p3",
                           "1,5",
                           "-",
                           ".",
                           "e",
                           "1.2.3",
                           " 1",
                           "1 ",
                           "NaN",
                           "2020-01-01",
                           "1e",
                           "-007"}) {
    EXPECT_EQ(TypeCsvCell(text), Value(text)) << text;
  }
}

TEST(CsvCell, VectorsAreReadInEveryWriting) {
  const std::vector<float> expected = {0.1F, -2, 3e5F};
  for (const char* text : {"[0.1, -2, 3e5]", "[0.1,-2,3e5]", "0.1 -2 3e5", "0.1;-2;3e5",
                           "0.1,-2,3e5", " [ 0.1\t-2.0 \n +3e5 ] ", "0.1; -2 ,3E+5"}) {
    const auto vector = ParseVectorCell(text);
    ASSERT_TRUE(vector.ok()) << text << ": " << vector.status().ToString();
    EXPECT_EQ(*vector, expected) << text;
  }
  EXPECT_TRUE(ParseVectorCell("[]")->empty());
}

TEST(CsvCell, BadVectorNamesItsComponent) {
  const auto error = [](std::string_view text) { return ParseVectorCell(text).status().message(); };
  EXPECT_EQ(error("[1, x]"), "component 1 of the vector: not a number: value='x'");
  EXPECT_EQ(error("[1,,2]"), "component 1 of the vector: not a number: value=''");
  EXPECT_EQ(error("[1 2 ... 3]"), "component 2 of the vector: not a number: value='...'");
  EXPECT_EQ(error("1,nan"), "component 1 of the vector: number is not finite: value=nan");
  EXPECT_EQ(error("-inf"), "component 0 of the vector: number is not finite: value=-inf");
  EXPECT_EQ(error("1e39"),
            "component 0 of the vector: number is beyond the range of float: value=1e39");
  EXPECT_EQ(error("1 2]"), "component 1 of the vector: not a number: value='2]'");
  EXPECT_EQ(error("[1 2"), "vector lacks its closing bracket: ends='[1 2'");
  EXPECT_EQ(error("1,2,"), "vector ends with a separator: components=2");
  EXPECT_EQ(error("[1] 2]"), "component 0 of the vector: not a number: value='1]'");
}

TEST(CsvCell, NumbersTooSmallForFloatAreNearlyZero) {
  EXPECT_EQ(*ParseFloatCell("1e-60"), 0.0F);
  EXPECT_EQ(*ParseFloatCell("1e-45"), std::numeric_limits<float>::denorm_min());
  EXPECT_EQ(*ParseFloatCell("3.4028235e38"), std::numeric_limits<float>::max());
}

}  // namespace
}  // namespace viper::pipeline
