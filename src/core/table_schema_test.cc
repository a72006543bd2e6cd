#include "core/table_schema.h"

#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace viper::core {
namespace {

CollectionSchema AllTypes() {
  CollectionSchema schema;
  schema.dim = 384;
  schema.metric = Metric::kDot;
  schema.fields = {{"a", FieldType::kBool},      {"b", FieldType::kInt64},
                   {"c", FieldType::kFloat64},   {"d", FieldType::kString},
                   {"e", FieldType::kTimestamp}, {"f", FieldType::kStringList}};
  return schema;
}

TEST(TableSchema, ComesBackFromTheTable) {
  const auto metadata = MakeTableMetadata(AllTypes(), 1);
  ASSERT_OK_AND_ASSIGN(CollectionSchema schema, ReadTableSchema(metadata));
  EXPECT_EQ(schema, AllTypes());
}

TEST(TableSchema, ColumnsAreDeltaColumnsWithTheVectorLast) {
  const auto metadata = MakeTableMetadata(AllTypes(), 1);
  EXPECT_TRUE(metadata.schema_json.ends_with(
      R"({"metadata":{"viper.dim":384},"name":"_vector","nullable":false,"type":)"
      R"({"containsNull":false,"elementType":"float","type":"array"}}],"type":"struct"})"))
      << metadata.schema_json;
}

TEST(TableSchema, SparseVectorsGetAColumnBeforeTheVector) {
  const auto before = MakeTableMetadata(AllTypes(), 1);
  EXPECT_EQ(before.schema_json.find("_sparse"), std::string::npos);
  EXPECT_TRUE(AllowsSparseColumn(before));
  const auto after = WithSparseColumn(before);
  const size_t place = after.schema_json.find(R"("name":"_sparse","nullable":true)");
  EXPECT_NE(place, std::string::npos) << after.schema_json;
  EXPECT_LT(place, after.schema_json.find("_vector"));
  EXPECT_TRUE(AllowsSparseColumn(after));
  EXPECT_TRUE(HasSparseColumn(after));
  EXPECT_FALSE(HasSparseColumn(before));
  EXPECT_EQ(WithSparseColumn(after), after);
  ASSERT_OK_AND_ASSIGN(const CollectionSchema schema, ReadTableSchema(after));
  EXPECT_EQ(schema, AllTypes());
}

TEST(TableSchema, AnotherColumnOfThatNameIsLeftAlone) {
  auto metadata = MakeTableMetadata(AllTypes(), 1);
  const std::string vector = R"({"metadata":{"viper.dim":384},"name":"_vector")";
  const size_t place = metadata.schema_json.find(vector);
  ASSERT_NE(place, std::string::npos);
  metadata.schema_json.insert(
      place, R"({"metadata":{},"name":"_Sparse","nullable":true,"type":"string"},)");
  EXPECT_FALSE(AllowsSparseColumn(metadata));
  EXPECT_FALSE(HasSparseColumn(metadata));
  EXPECT_EQ(WithSparseColumn(metadata), metadata);
  EXPECT_OK(ReadTableSchema(metadata));
  metadata.schema_json = "no JSON";
  EXPECT_FALSE(AllowsSparseColumn(metadata));
  EXPECT_EQ(WithSparseColumn(metadata), metadata);
}

TEST(TableSchema, RefusesWhatIsNotACollection) {
  auto metadata = MakeTableMetadata(AllTypes(), 1);
  metadata.configuration["viper.format"] = "2";
  EXPECT_STATUS(kUnsupported, "supported=1 actual=2", ReadTableSchema(metadata));
  metadata.configuration.clear();
  EXPECT_STATUS(kUnsupported, "viper.format", ReadTableSchema(metadata));
  metadata = MakeTableMetadata(AllTypes(), 1);
  metadata.partition_columns = {"a"};
  EXPECT_STATUS(kUnsupported, "partitioned", ReadTableSchema(metadata));
  metadata = MakeTableMetadata(AllTypes(), 1);
  metadata.configuration["viper.dim"] = "x";
  EXPECT_STATUS(kCorruption, "'viper.dim' is not a number: 'x'", ReadTableSchema(metadata));
  metadata = MakeTableMetadata(AllTypes(), 1);
  metadata.schema_json = R"({"type":"struct"})";
  EXPECT_STATUS(kCorruption, "no fields", ReadTableSchema(metadata));
}

TEST(TableSchema, StatisticsRoundOutward) {
  parquet::PartSummary summary;
  summary.row_count = 3;
  const std::string long_text(40, 'z');
  summary.bounds["d"] = {Value(long_text), Value(long_text), 1, 3};
  summary.bounds["e"] = {Value(Timestamp{1'234'567}), Value(Timestamp{1'234'567}), 0, 3};
  summary.bounds["b"] = {Value(-5), Value(7), 0, 3};
  const std::string json = MakeStatistics(summary, AllTypes());
  ASSERT_OK_AND_ASSIGN(Value statistics, Value::FromJson(json));
  const Value::Object& root = *statistics.as_object();
  const Value::Object& low = *root.at("minValues").as_object();
  const Value::Object& high = *root.at("maxValues").as_object();
  EXPECT_EQ(root.at("numRecords"), Value(3));
  EXPECT_EQ(low.at("d"), Value(std::string(32, 'z')));
  EXPECT_EQ(high.at("d"), Value(std::string(32, 'z') + "\xf4\x8f\xbf\xbf"));
  EXPECT_EQ(low.at("e"), Value("1970-01-01T00:00:01.234Z"));
  EXPECT_EQ(high.at("e"), Value("1970-01-01T00:00:01.235Z"));
  EXPECT_EQ(low.at("b"), Value(-5));
  EXPECT_EQ(root.at("nullCount").as_object()->at("d"), Value(1));
}

/// Python's datetime.max rounded up is in the year 10000, which no reader takes.
TEST(TableSchema, StatisticsLeaveOutTimesThatOthersCannotRead) {
  const Timestamp last = Timestamp::Parse("9999-12-31T23:59:59.999999Z").value();
  const Timestamp year_before_first{-62'135'596'800'000'001};
  parquet::PartSummary summary;
  for (const auto& [min, max] :
       {std::pair(Timestamp{0}, last), std::pair(year_before_first, Timestamp{0}),
        std::pair(Timestamp{std::numeric_limits<int64_t>::min()},
                  Timestamp{std::numeric_limits<int64_t>::max()})}) {
    summary.bounds["e"] = {Value(min), Value(max), 0, 1};
    ASSERT_OK_AND_ASSIGN(Value statistics, Value::FromJson(MakeStatistics(summary, AllTypes())));
    const Value::Object& low = *statistics.as_object()->at("minValues").as_object();
    const Value::Object& high = *statistics.as_object()->at("maxValues").as_object();
    EXPECT_EQ(low.contains("e"), min == Timestamp{0});
    EXPECT_EQ(high.contains("e"), max == Timestamp{0});
  }
  summary.bounds["e"] = {Value(Timestamp{-62'135'596'800'000'000}),
                         Value(Timestamp{last.micros - 999}), 0, 1};
  ASSERT_OK_AND_ASSIGN(Value statistics, Value::FromJson(MakeStatistics(summary, AllTypes())));
  EXPECT_EQ(statistics.as_object()->at("minValues").as_object()->at("e"),
            Value("0001-01-01T00:00:00.000Z"));
  EXPECT_EQ(statistics.as_object()->at("maxValues").as_object()->at("e"),
            Value("9999-12-31T23:59:59.999Z"));
}

/// Files of other writers may have any bytes in their text; the log may not.
TEST(TableSchema, StatisticsLeaveOutTextThatIsNotUtf8) {
  parquet::PartSummary summary;
  summary.bounds["d"] = {Value("a"), Value("z\xff"), 0, 2};
  ASSERT_OK_AND_ASSIGN(Value statistics, Value::FromJson(MakeStatistics(summary, AllTypes())));
  EXPECT_EQ(statistics.as_object()->at("minValues").as_object()->at("d"), Value("a"));
  EXPECT_FALSE(statistics.as_object()->at("maxValues").as_object()->contains("d"));
}

TEST(TableSchema, StatisticsCutBetweenCodePoints) {
  parquet::PartSummary summary;
  std::string accents;
  for (int i = 0; i < 33; ++i) accents += "\xC3\xA9";
  summary.bounds["d"] = {Value(accents), Value(accents), 0, 1};
  ASSERT_OK_AND_ASSIGN(Value statistics, Value::FromJson(MakeStatistics(summary, AllTypes())));
  EXPECT_EQ(statistics.as_object()->at("minValues").as_object()->at("d").as_string()->size(), 64u);
}

TEST(TableSchema, ANewSchemaChangesOnlyItsColumns) {
  CollectionSchema schema = AllTypes();
  const storage::TableMetadata before = MakeTableMetadata(schema, 1);
  EXPECT_EQ(ChangeTableMetadata(before, schema).value(), before);
  schema.fields.push_back({"added", FieldType::kStringList});
  schema.fields[1].type = FieldType::kFloat64;
  ASSERT_OK_AND_ASSIGN(storage::TableMetadata after, ChangeTableMetadata(before, schema));
  EXPECT_EQ(ReadTableSchema(after).value(), schema);
  // As if the table had been created so.
  EXPECT_EQ(after.schema_json, MakeTableMetadata(schema, 1).schema_json);
  after.schema_json = before.schema_json;
  EXPECT_EQ(after, before);
}

TEST(TableSchema, AColumnThatCannotBeReadIsNotTakenForAField) {
  storage::TableMetadata metadata = MakeTableMetadata(AllTypes(), 1);
  ASSERT_TRUE(metadata.schema_json.ends_with(R"(],"type":"struct"})")) << metadata.schema_json;
  metadata.schema_json.insert(metadata.schema_json.rfind(R"(],"type":"struct"})"),
                              R"(,{"metadata":{},"name":"Born","nullable":true,"type":"date"})");
  ASSERT_EQ(ReadTableSchema(metadata).value(), AllTypes());
  CollectionSchema schema = AllTypes();
  schema.fields.push_back({"born", FieldType::kString});
  EXPECT_STATUS(kInvalidArgument, "a column 'Born' already, of a type that VIPER does not read",
                ChangeTableMetadata(metadata, schema));
  schema.fields.back().name = "else";
  EXPECT_NE(ChangeTableMetadata(metadata, schema).value().schema_json.find("\"Born\""),
            std::string::npos);
}

}  // namespace
}  // namespace viper::core
