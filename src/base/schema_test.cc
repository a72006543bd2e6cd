#include "viper/schema.h"

#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace viper {
namespace {

CollectionSchema WithFields(std::vector<Field> fields) {
  return {.dim = 4, .metric = Metric::kL2, .fields = std::move(fields)};
}

TEST(Metric, NamesAndAliasesInAnyCase) {
  for (Metric metric : {Metric::kCosine, Metric::kL2, Metric::kDot}) {
    EXPECT_EQ(*ParseMetric(MetricName(metric)), metric);
  }
  for (const char* name : {"cos", "Angular", "COSINE"}) {
    EXPECT_EQ(*ParseMetric(name), Metric::kCosine) << name;
  }
  for (const char* name : {"euclid", "Euclidean", "L2"}) {
    EXPECT_EQ(*ParseMetric(name), Metric::kL2) << name;
  }
  for (const char* name : {"ip", "inner_product", "DOT"}) {
    EXPECT_EQ(*ParseMetric(name), Metric::kDot) << name;
  }
  EXPECT_STATUS(kInvalidArgument, "actual='hamming'", ParseMetric("hamming"));
  EXPECT_STATUS(kInvalidArgument, "cosine|l2|dot", ParseMetric(""));
}

TEST(Metric, StoredNumbersNeverChange) {
  EXPECT_EQ(static_cast<int>(Metric::kCosine), 0);
  EXPECT_EQ(static_cast<int>(Metric::kL2), 1);
  EXPECT_EQ(static_cast<int>(Metric::kDot), 2);
}

TEST(FieldType, NamesAndAliases) {
  for (int type = 0; type <= 5; ++type) {
    const auto field_type = static_cast<FieldType>(type);
    EXPECT_EQ(*ParseFieldType(FieldTypeName(field_type)), field_type);
  }
  EXPECT_EQ(*ParseFieldType("boolean"), FieldType::kBool);
  EXPECT_EQ(*ParseFieldType("int"), FieldType::kInt64);
  EXPECT_EQ(*ParseFieldType("long"), FieldType::kInt64);
  EXPECT_EQ(*ParseFieldType("float"), FieldType::kFloat64);
  EXPECT_EQ(*ParseFieldType("double"), FieldType::kFloat64);
  EXPECT_EQ(*ParseFieldType("text"), FieldType::kString);
  EXPECT_EQ(*ParseFieldType("str"), FieldType::kString);
  EXPECT_EQ(*ParseFieldType("datetime"), FieldType::kTimestamp);
  EXPECT_EQ(*ParseFieldType("tags"), FieldType::kStringList);
  EXPECT_EQ(*ParseFieldType("string[]"), FieldType::kStringList);
  EXPECT_STATUS(kInvalidArgument, "actual='blob'", ParseFieldType("blob"));
}

TEST(CollectionSchema, DimensionHasItsRange) {
  EXPECT_STATUS(kInvalidArgument, "actual=0", CollectionSchema{}.Validate());
  EXPECT_OK(CollectionSchema{.dim = 1}.Validate());
  EXPECT_OK(CollectionSchema{.dim = 65'536}.Validate());
  EXPECT_STATUS(kInvalidArgument, "dim", CollectionSchema{.dim = 65'537}.Validate());
}

TEST(CollectionSchema, UnknownEnumeratorsAreRefused) {
  EXPECT_STATUS(kInvalidArgument, "metric",
                (CollectionSchema{.dim = 1, .metric = static_cast<Metric>(3)}.Validate()));
  EXPECT_STATUS(kInvalidArgument, "'x'",
                WithFields({{.name = "x", .type = static_cast<FieldType>(6)}}).Validate());
}

TEST(CollectionSchema, FieldNamesAreChecked) {
  EXPECT_OK(WithFields({{.name = "id"}, {.name = "A_1"}}).Validate());
  EXPECT_OK(WithFields({{.name = std::string(128, 'a')}}).Validate());
  EXPECT_STATUS(kInvalidArgument, "actual=129",
                WithFields({{.name = std::string(129, 'a')}}).Validate());
  for (const char* name : {"", "_id", "1st", "a b", "a.b", "a-b", "ä"}) {
    EXPECT_STATUS(kInvalidArgument, "field name", WithFields({{.name = name}}).Validate());
  }
  EXPECT_STATUS(kInvalidArgument, "'Year'",
                WithFields({{.name = "year"}, {.name = "Year"}}).Validate());
}

TEST(CollectionSchema, FieldsAreLimited) {
  std::vector<Field> fields(256);
  for (size_t i = 0; i < fields.size(); ++i) fields[i].name = "f" + std::to_string(i);
  EXPECT_OK(WithFields(fields).Validate());
  fields.push_back({.name = "one_more"});
  EXPECT_STATUS(kInvalidArgument, "actual=257", WithFields(fields).Validate());
}

TEST(CollectionSchema, FindsDeclaredFieldsByTheirExactName) {
  const CollectionSchema schema = WithFields({{.name = "a"}, {.name = "b"}});
  EXPECT_EQ(schema.FindField("b"), &schema.fields[1]);
  EXPECT_EQ(schema.FindField("B"), nullptr);
}

TEST(CollectionName, CanNeverBeAPath) {
  EXPECT_OK(ValidateCollectionName("docs"));
  EXPECT_OK(ValidateCollectionName("0-A_z"));
  EXPECT_OK(ValidateCollectionName(std::string(128, 'a')));
  for (std::string_view name : {"", ".", "..", "a/b", "_a", "-a", "a b", "a.b", "ä", "a\\b"}) {
    EXPECT_STATUS(kInvalidArgument, "collection name", ValidateCollectionName(name));
  }
  EXPECT_STATUS(kInvalidArgument, "collection name",
                ValidateCollectionName(std::string_view("a\0", 2)));
  EXPECT_STATUS(kInvalidArgument, "actual=129", ValidateCollectionName(std::string(129, 'a')));
}

}  // namespace
}  // namespace viper
