#include "pipeline/schema_inference.h"

#include "pipeline/pipeline_fixture.h"

namespace viper::pipeline {
namespace {

Record WithMetadata(Metadata metadata) {
  Record record;
  record.vector = {1, 2, 3};
  record.metadata = std::move(metadata);
  return record;
}

TEST(SchemaInference, KeysWhoseValuesAreAllOfOneTypeBecomeFields) {
  const std::vector<Record> records = {
      WithMetadata({{"ok", true}, {"year", 1}, {"mixed", 1}, {"price", 2.5}, {"_x", 1}}),
      WithMetadata({{"ok", nullptr}, {"mixed", 1.5}, {"tags", Value::List{"a"}}, {"9", 1}}),
      WithMetadata({{"list", Value::List{1}},
                    {"object", Value::Object{}},
                    {"none", nullptr},
                    {"seen", Timestamp{5}},
                    {"name", "x"},
                    {"Name", "y"}}),
  };
  ASSERT_OK_AND_ASSIGN(const CollectionSchema schema, InferSchema(records));
  EXPECT_EQ(schema.dim, 3u);
  EXPECT_OK(schema.Validate());
  const std::vector<Field> wanted = {
      {"Name", FieldType::kString},     {"ok", FieldType::kBool},
      {"price", FieldType::kFloat64},   {"seen", FieldType::kTimestamp},
      {"tags", FieldType::kStringList}, {"year", FieldType::kInt64}};
  EXPECT_EQ(schema.fields, wanted);
}

TEST(SchemaInference, TheDimensionIsNotGuessed) {
  EXPECT_STATUS(kInvalidArgument, "give a schema", InferSchema({}));
  Record sparse;
  sparse.sparse_vector = SparseVector{{1}, {2}};
  EXPECT_STATUS(kInvalidArgument, "give a schema", InferSchema(std::vector<Record>{sparse}));
}

}  // namespace
}  // namespace viper::pipeline
