#include "parquet/part_schema.h"

#include <gtest/gtest.h>
#include <parquet/schema.h>

#include "parquet/part_fixture.h"

namespace viper::parquet {
namespace {

TEST(PartSchema, TheVectorComesLastAndNothingInItMayBeNull) {
  ::parquet::SchemaDescriptor schema;
  schema.Init(MakePartSchema(ExampleSchema(4)));
  const ::parquet::ColumnDescriptor& leaf = *schema.Column(schema.num_columns() - 1);
  EXPECT_EQ(leaf.path()->ToDotString(), kVectorLeafPath);
  EXPECT_EQ(leaf.physical_type(), ::parquet::Type::FLOAT);
  EXPECT_EQ(leaf.max_definition_level(), 1);
  EXPECT_EQ(leaf.max_repetition_level(), 1);
  EXPECT_TRUE(schema.GetColumnRoot(schema.num_columns() - 1)->is_required());
}

TEST(PartSchema, SparseVectorsComeBeforeTheVectorWhereThereAreAny) {
  ::parquet::SchemaDescriptor schema;
  schema.Init(MakePartSchema(ExampleSchema(4), SparseColumn::kPresent));
  const ::parquet::ColumnDescriptor& indices = *schema.Column(schema.num_columns() - 3);
  const ::parquet::ColumnDescriptor& values = *schema.Column(schema.num_columns() - 2);
  EXPECT_EQ(indices.path()->ToDotString(), "_sparse.indices.list.element");
  EXPECT_EQ(values.path()->ToDotString(), "_sparse.values.list.element");
  EXPECT_EQ(indices.physical_type(), ::parquet::Type::INT32);
  EXPECT_EQ(values.physical_type(), ::parquet::Type::FLOAT);
  EXPECT_EQ(indices.max_definition_level(), kComponentLevel);
  EXPECT_EQ(schema.Column(schema.num_columns() - 1)->path()->ToDotString(), kVectorLeafPath);
}

TEST(PartSchema, SystemColumnsSurroundTheDeclaredFields) {
  std::vector<std::string> names;
  for (const PartColumn& column : ScalarColumns(ExampleSchema(4))) names.push_back(column.name);
  EXPECT_EQ(names, (std::vector<std::string>{"_id", "_timestamp", "_ingested_at", "_expires_at",
                                             "category", "year", "price", "ok", "seen", "tags",
                                             "_payload"}));
}

TEST(PartSchema, F20_TheLegacyShapeHasFourColumnsAndOthersLeaveOutWhatIsOptional) {
  const auto names = [](const PartShape& shape) {
    std::vector<std::string> all;
    for (const PartColumn& column : ScalarColumns({.dim = 4}, shape)) all.push_back(column.name);
    all.emplace_back(VectorColumnName(shape));
    return all;
  };
  EXPECT_EQ(names({.is_legacy = true}),
            (std::vector<std::string>{"id", "created_at", "metadata", "vector"}));
  EXPECT_EQ(names({.has_expires_at = false, .has_payload = false}),
            (std::vector<std::string>{"_id", "_timestamp", "_ingested_at", "_vector"}));
}

TEST(PartSchema, TypesAreThoseThatDeltaWants) {
  ::parquet::SchemaDescriptor schema;
  schema.Init(MakePartSchema(ExampleSchema(4)));
  const auto leaf = [&](const char* path) -> const ::parquet::ColumnDescriptor& {
    return *schema.Column(schema.ColumnIndex(path));
  };
  EXPECT_EQ(leaf("_timestamp").logical_type()->ToString(),
            ::parquet::LogicalType::Timestamp(true, ::parquet::LogicalType::TimeUnit::MICROS)
                ->ToString());
  EXPECT_EQ(leaf("_timestamp").converted_type(), ::parquet::ConvertedType::TIMESTAMP_MICROS);
  EXPECT_EQ(leaf("_id").max_definition_level(), 0);
  EXPECT_TRUE(leaf("_id").logical_type()->is_string());
  EXPECT_EQ(leaf("_expires_at").max_definition_level(), 1);
  EXPECT_EQ(leaf("price").physical_type(), ::parquet::Type::DOUBLE);
  EXPECT_EQ(leaf("tags.list.element").max_definition_level(), 2);
}

}  // namespace
}  // namespace viper::parquet
