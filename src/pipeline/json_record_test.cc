#include "pipeline/json_record.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "pipeline/source_testing.h"

namespace viper::pipeline {
namespace {

const JsonRecordKeys kKeys = {.id = "id", .vector = "vector"};

Result<Record> Parse(std::string_view line, const JsonRecordKeys& keys = kKeys) {
  JsonRecordParser parser;
  const PaddedText padded(line);
  return parser.Parse(padded.text(), keys);
}

std::string ErrorOf(std::string_view line) { return Parse(line).status().message(); }

TEST(JsonRecordParser, OtherKeysAreMetadata) {
  const Result<Record> record = Parse(
      R"({"id":"a","year":2020,"vector":[1,-2.5,3e2],"tags":["x",null],"deep":{"a":{"b":1.0}},"none":null})");
  ASSERT_TRUE(record.ok()) << record.status().ToString();
  EXPECT_EQ(record->id, "a");
  EXPECT_EQ(record->vector, (std::vector<float>{1, -2.5F, 300}));
  EXPECT_EQ(Value(record->metadata).ToJson(),
            R"({"deep":{"a":{"b":1.0}},"none":null,"tags":["x",null],"year":2020})");
  EXPECT_FALSE(record->timestamp.has_value());
}

TEST(JsonRecordParser, AnObjectOfIndicesAndValuesIsASparseVector) {
  const Result<Record> record = Parse(R"({"id":"a","vector":{"values":[1.5,-2],"indices":[7,0]}})");
  ASSERT_TRUE(record.ok()) << record.status().ToString();
  EXPECT_TRUE(record->vector.empty());
  EXPECT_EQ(*record->sparse_vector, (SparseVector{.indices = {7, 0}, .values = {1.5F, -2}}));
  const auto error = [](std::string_view vector) {
    return ErrorOf(R"({"id":"a","vector":)" + std::string(vector) + "}");
  };
  EXPECT_EQ(error(R"({"indices":[1]})"),
            R"(sparse vector has no lists indices and values: key=vector value={"indices":[1]})");
  EXPECT_EQ(error(R"({"indices":[-1],"values":[1]})"),
            "sparse vector holds what is no index: place=0 value=-1");
  EXPECT_EQ(error(R"({"indices":[4294967296],"values":[1]})"),
            "sparse vector holds what is no index: place=0 value=4294967296");
  EXPECT_EQ(error(R"({"indices":[1],"values":["x"]})"),
            "vector holds what is not a number: component=0 value=\"x\"");
}

TEST(JsonRecordParser, TimesAreReadFromTheUnderscoreNamesOnly) {
  const Result<Record> record = Parse(
      R"({"id":"a","vector":[1],"timestamp":"2020-01-01","_timestamp":"1970-01-01T00:00:01Z",)"
      R"("_expires_at":"1970-01-01T00:00:02Z","_ingested_at":"1970-01-01T00:00:03Z"})");
  ASSERT_TRUE(record.ok()) << record.status().ToString();
  EXPECT_EQ(record->timestamp, Timestamp{1'000'000});
  EXPECT_EQ(record->expires_at, Timestamp{2'000'000});
  EXPECT_EQ(Value(record->metadata).ToJson(), R"({"timestamp":"2020-01-01"})");
  EXPECT_FALSE(Parse(R"({"id":"a","vector":[1],"_timestamp":null})")->timestamp.has_value());
}

TEST(JsonRecordParser, MetadataObjectIsMergedAndWins) {
  const Result<Record> record = Parse(
      R"({"_metadata":{"x":1,"_id":"m"},"x":2,"id":"a","vector":[1],"metadata":{"y":{"z":3}}})");
  ASSERT_TRUE(record.ok()) << record.status().ToString();
  EXPECT_EQ(Value(record->metadata).ToJson(), R"({"_id":"m","x":1,"y":{"z":3}})");
  EXPECT_EQ(Value(Parse(R"({"id":"a","vector":[1],"metadata":7})")->metadata).ToJson(),
            R"({"metadata":7})");
}

TEST(JsonRecordParser, IntegerIdsBecomeTheirDigits) {
  EXPECT_EQ(Parse(R"({"id":-17,"vector":[1]})")->id, "-17");
  EXPECT_EQ(Parse(R"({"id":18446744073709551615,"vector":[1]})")->id, "18446744073709551615");
  EXPECT_EQ(ErrorOf(R"({"id":1.5,"vector":[1]})"),
            "id is neither a string nor an integer: key=id value=1.5");
}

TEST(JsonRecordParser, EveryFaultIsNamed) {
  EXPECT_NE(ErrorOf(R"({"id":"a","vector":[1,})").find("bad JSON"), std::string::npos);
  EXPECT_NE(ErrorOf("{\"id\":\"\xff\",\"vector\":[1]}").find("UTF-8"), std::string::npos);
  EXPECT_EQ(ErrorOf("[1]"), "record is not a JSON object: value=[1]");
  EXPECT_EQ(ErrorOf(R"({"id":"a"})"), "record has no vector: key=vector");
  EXPECT_EQ(ErrorOf(R"({"vector":[1]})"), "record has no id: key=id");
  EXPECT_EQ(ErrorOf(R"({"id":"a","vector":7})"),
            "vector is not a list of numbers: key=vector value=7");
  EXPECT_EQ(ErrorOf(R"({"id":"a","vector":[1,null]})"),
            "vector holds what is not a number: component=1 value=null");
  EXPECT_EQ(ErrorOf(R"({"id":"a","vector":[1,2,1e39]})"),
            "vector holds a number beyond the range of float: component=2 value=1e+39");
  EXPECT_NE(ErrorOf(R"({"id":"a","vector":[NaN]})").find("bad JSON"), std::string::npos);
  EXPECT_EQ(ErrorOf(R"({"id":"a","vector":[1],"n":9223372036854775808})"),
            "key n: JSON integer is outside 64 bits signed: actual=9223372036854775808");
  EXPECT_NE(ErrorOf(R"({"id":"a","vector":[1],"n":99999999999999999999})").find("bad JSON"),
            std::string::npos);
  EXPECT_NE(ErrorOf(R"({"id":"a","vector":[1],"_timestamp":"soon"})").find("_timestamp: "),
            std::string::npos);
  EXPECT_EQ(ErrorOf(R"({"id":"a","vector":[1],"_expires_at":5})"),
            "time is not an ISO 8601 string: key=_expires_at value=5");
}

TEST(JsonRecordParser, LongValuesAreShownCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\u00e9";
  const std::string error = ErrorOf(R"({"id":"a","vector":")" + text + "\"}");
  EXPECT_LT(error.size(), 130U);
  EXPECT_TRUE(Value::FromJson("\"" + error.substr(error.find("value=") + 7) + "\"").ok()) << error;
}

TEST(JsonRecordParser, EmptyKeyIsMetadataLikeAnyOther) {
  const Result<Record> record = Parse(R"({"":1,"vector":[1]})", {.id = "", .vector = "vector"});
  ASSERT_TRUE(record.ok()) << record.status().ToString();
  EXPECT_EQ(record->id, "");
  EXPECT_EQ(Value(record->metadata).ToJson(), R"({"":1})");
}

TEST(JsonRecordParser, KeysAreInferredFromTheFirstRecord) {
  JsonRecordParser parser;
  const PaddedText line(R"({"name":"a","embedding_3":[1,2],"counts":[1,"x"]})");
  const Result<JsonRecordKeys> keys = parser.InferKeys(line.text(), {}, true);
  ASSERT_TRUE(keys.ok()) << keys.status().ToString();
  EXPECT_EQ(keys->id, "");
  EXPECT_EQ(keys->vector, "embedding_3");
  EXPECT_EQ(parser.InferKeys(line.text(), {}, false)->vector, "");
  EXPECT_EQ(parser.InferKeys(line.text(), {.id_column = "name"}, true)->id, "name");
}

}  // namespace
}  // namespace viper::pipeline
