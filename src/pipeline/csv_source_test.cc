#include "pipeline/csv_source.h"

#include <string>
#include <utility>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "pipeline/source_testing.h"

namespace viper::pipeline {
namespace {

Result<std::unique_ptr<RecordSource>> Open(std::string content, RecordSourceOptions options = {}) {
  return OpenCsvSource(MakeInput(std::move(content)), options);
}

TEST(CsvSource, RowsBecomeRecords) {
  auto source = Open(
      "id,title,year,price,ok,_timestamp,vector\r\n"
      "a,\"One, two\",2020,1.50,true,1970-01-01T00:00:01Z,\"[1, 2.5]\"\r\n"
      "b,,,,,,3 4\r\n");
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  EXPECT_EQ((*source)->dim(), 2U);
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok()) << records.status().ToString();
  ASSERT_EQ(records->size(), 2U);
  EXPECT_EQ((*records)[0].vector, (std::vector<float>{1, 2.5F}));
  EXPECT_EQ((*records)[0].timestamp, Timestamp{1'000'000});
  EXPECT_EQ(Value((*records)[0].metadata).ToJson(),
            R"({"ok":true,"price":1.5,"title":"One, two","year":2020})");
  EXPECT_EQ((*records)[1].id, "b");
  EXPECT_TRUE((*records)[1].metadata.empty());
}

// As written by pandas 3: DataFrame.to_csv() with an index, booleans, a missing value, a list.
TEST(CsvSource, FileOfPandasIsUnderstood) {
  auto source = Open(
      ",id,flag,score,embedding\n"
      "0,x,True,0.5,\"[0.1, 0.2, 0.3]\"\n"
      "1,y,False,,\"[1.0, -2e-05, 3.0]\"\n");
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok()) << records.status().ToString();
  EXPECT_EQ(Value((*records)[0].metadata).ToJson(), R"({"flag":true,"score":0.5})");
  EXPECT_EQ(Value((*records)[1].metadata).ToJson(), R"({"flag":false})");
  EXPECT_EQ((*records)[1].vector, (std::vector<float>{1, -2e-05F, 3}));
}

TEST(CsvSource, MetadataObjectWinsOverColumns) {
  auto source =
      Open("id,zip,_metadata,vector\na,123,\"{\"\"zip\"\":\"\"0123\"\",\"\"l\"\":[1]}\",1;2\n");
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok()) << records.status().ToString();
  EXPECT_EQ(Value((*records)[0].metadata).ToJson(), R"({"l":[1],"zip":"0123"})");
}

TEST(CsvSource, ColumnForEachComponentMakesTheVector) {
  auto source = Open("v1,v0,n\n2,1,x\n4,3,y\n", {.id_prefix = "r", .vector_column = "v*"});
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  ASSERT_TRUE((*source)->Skip(1).ok());
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok()) << records.status().ToString();
  ASSERT_EQ(records->size(), 1U);
  EXPECT_EQ((*records)[0].id, "r1");
  EXPECT_EQ((*records)[0].vector, (std::vector<float>{3, 4}));
}

TEST(CsvSource, NumbersGoOnFromTheFirstRow) {
  auto source = Open("v\n1 2\n3 4\n", {.id_prefix = "r", .first_row = 7});
  ASSERT_TRUE(source.ok()) << source.status().ToString();
  ASSERT_TRUE((*source)->Skip(1).ok());
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok()) << records.status().ToString();
  EXPECT_EQ((*records)[0].id, "r8");
}

TEST(CsvSource, LimitAndSkipCountRecordsNotLines) {
  std::string content = "id,vector,t\n";
  for (int i = 0; i < 100; ++i) content += fmt::format("r{},{} 1,\"a\nb\"\n\n", i, i);
  auto source = Open(content, {.limit = 60});
  ASSERT_TRUE(source.ok());
  ASSERT_TRUE((*source)->Skip(59).ok());
  const auto records = ReadAll(**source);
  ASSERT_TRUE(records.ok());
  ASSERT_EQ(records->size(), 1U);
  EXPECT_EQ((*records)[0].id, "r59");
  EXPECT_FALSE((*source)->Skip(1).ok());
}

TEST(CsvSource, EveryFaultNamesFileAndLine) {
  const std::string good = "id,vector,n\na,1 2,3\n";
  EXPECT_NE(FirstError(Open("")).find("no record in it"), std::string::npos);
  EXPECT_NE(FirstError(Open("id,vector\n")).find("no record in it"), std::string::npos);
  EXPECT_EQ(FirstError(Open(good + "b,1 2\n")),
            "InvalidArgument: input, line 3: row has another number of cells than the header: "
            "expected=3 actual=2");
  EXPECT_EQ(FirstError(Open(good + "b,1 2 3,4\n")),
            "InvalidArgument: input, line 3: vector has another dimension than the first row's: "
            "expected=2 actual=3");
  EXPECT_EQ(
      FirstError(Open(good + "b,1 nan,4\n")),
      "InvalidArgument: input, line 3: column vector: component 1 of the vector: number is not "
      "finite: value=nan");
  EXPECT_EQ(FirstError(Open(good + "b,,4\n")),
            "InvalidArgument: input, line 3: row has no vector: its cell is empty");
  EXPECT_EQ(FirstError(Open(good + ",1 2,4\n")), "InvalidArgument: input, line 3: id is empty");
  EXPECT_EQ(FirstError(Open("id,v0,v1\na,1,\n", {.vector_column = "v*"})),
            "InvalidArgument: input, line 2: column v1: not a number: value=''");
  EXPECT_NE(FirstError(Open("id,vector,_metadata\na,1,[1]\n")).find("not a JSON object: kind=list"),
            std::string::npos);
  EXPECT_NE(FirstError(Open("id,vector,_timestamp\na,1,soon\n")).find("column _timestamp: "),
            std::string::npos);
}

}  // namespace
}  // namespace viper::pipeline
