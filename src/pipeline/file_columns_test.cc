#include "pipeline/file_columns.h"

#include "pipeline/pipeline_fixture.h"

namespace viper::pipeline {
namespace {

core::Row Row(std::string id, Metadata metadata) {
  core::Row row;
  row.id = std::move(id);
  row.metadata = std::move(metadata);
  row.expires_at = kExpiryNotGiven;
  return row;
}

const ColumnSummary& Named(const std::vector<ColumnSummary>& summary, const std::string& name) {
  for (const ColumnSummary& column : summary) {
    if (column.name == name) return column;
  }
  ADD_FAILURE() << "no column " << name;
  return summary.front();
}

TEST(FileColumns, P05_OptionalColumnsWithoutAValueAreCountedAndLeftOut) {
  std::vector<core::Row> rows = {Row("a", {{"category", "x"}}), Row("b", {{"year", nullptr}})};
  FileColumns columns = ColumnsOfLayout(ClusteredSchema(1), {});
  auto summary = Summarize(rows, columns);
  EXPECT_EQ(Named(summary, "category").null_count, 1u);
  EXPECT_FALSE(Named(summary, "category").drop);
  EXPECT_EQ(Named(summary, "year").null_count, 2u);
  EXPECT_TRUE(Named(summary, "year").drop);
  EXPECT_EQ(Named(summary, "_payload").null_count, 1u) << "an explicit null is kept there";
  EXPECT_TRUE(Named(summary, "_expires_at").drop);
  EXPECT_FALSE(Named(summary, "_id").is_optional);
  ASSERT_OK(DropColumns(summary, columns));
  EXPECT_EQ(columns.schema.fields, (std::vector<Field>{{"category", FieldType::kString}}));
  EXPECT_FALSE(columns.shape.has_expires_at);
  EXPECT_TRUE(columns.shape.has_payload);
  rows[0].expires_at = 5;
  EXPECT_FALSE(Named(Summarize(rows, ColumnsOfLayout(ClusteredSchema(1), {})), "_expires_at").drop);
}

TEST(FileColumns, P23_AColumnWithValuesIsNotLeftOutWhoeverAsks) {
  const std::vector<core::Row> rows = {Row("a", {{"category", "x"}})};
  FileColumns columns = ColumnsOfLayout(ClusteredSchema(1), {});
  for (const char* name : {"category", "_id"}) {
    auto summary = Summarize(rows, columns);
    for (ColumnSummary& column : summary) column.drop = column.name == name;
    EXPECT_STATUS(kInvalidArgument, name, DropColumns(summary, columns));
  }
  const std::vector<ColumnSummary> unknown = {
      {.name = "nobody", .is_optional = true, .drop = true}};
  EXPECT_STATUS(kInvalidArgument, "nobody", DropColumns(unknown, columns));
}

}  // namespace
}  // namespace viper::pipeline
