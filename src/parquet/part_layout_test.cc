#include "parquet/part_layout.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "parquet/part_fixture.h"
#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

const ColumnLayout* FindColumn(const PartLayout& layout, std::string_view path) {
  for (const ColumnLayout& column : layout.columns) {
    if (column.path == path) return &column;
  }
  return nullptr;
}

TEST(PartLayout, TellsWhatTheFooterSaysOfEachColumn) {
  const CollectionSchema schema = ExampleSchema(4);
  const auto bytes = WritePart(MakeExampleRows(1000, 4, 1).rows, schema);
  ASSERT_OK_AND_ASSIGN(const PartLayout layout, ReadPartLayout(bytes));
  EXPECT_EQ(layout.row_count, 1000u);
  EXPECT_EQ(layout.row_groups, 1u);
  EXPECT_TRUE(layout.created_by.starts_with("viper"));
  EXPECT_EQ(layout.columns.size(), 4 + schema.fields.size() + 2);
  const ColumnLayout* year = FindColumn(layout, "year");
  ASSERT_NE(year, nullptr);
  EXPECT_EQ(year->physical_type, "INT64");
  EXPECT_EQ(year->compressions.size(), 1U);
  EXPECT_GT(*year->null_count, 0u);
  const ColumnLayout* vector = FindColumn(layout, "_vector.list.element");
  ASSERT_NE(vector, nullptr);
  EXPECT_EQ(vector->compressions, std::vector<std::string>{"uncompressed"});
  EXPECT_GE(vector->uncompressed_bytes, 1000u * 4 * 4);
  EXPECT_TRUE(FindColumn(layout, "_id")->has_bloom_filter && !year->has_bloom_filter);
}

TEST(PartLayout, DamagedFootersAreCorruption) {
  auto bytes = WritePart(MakeExampleRows(10, 4, 1).rows, ExampleSchema(4));
  EXPECT_STATUS(kCorruption, "", ReadPartLayout(std::span(bytes).first(20)));
  for (size_t i = 5; i < 60; ++i) {
    auto damaged = bytes;
    damaged[damaged.size() - i] ^= std::byte{0xff};
    (void)ReadPartLayout(damaged).ok();  // Whatever it says, it returns.
  }
}

TEST(ColumnBloomFilters, KnowEveryIdAndFewOthers) {
  const ExampleRows example = MakeExampleRows(500, 4, 2);
  const auto bytes = WritePart(example.rows, ExampleSchema(4));
  ASSERT_OK_AND_ASSIGN(const auto filters, ColumnBloomFilters::Open(bytes, "_id"));
  size_t strangers = 0;
  for (size_t i = 0; i < example.rows.ids.size(); ++i) {
    EXPECT_TRUE(filters.MayHold(0, example.rows.ids[i])) << i;
    strangers += filters.MayHold(0, fmt::format("stranger {}", i)) ? 1 : 0;
  }
  EXPECT_LT(strangers, 100u);
  ASSERT_OK_AND_ASSIGN(const auto none, ColumnBloomFilters::Open(bytes, "year"));
  EXPECT_TRUE(none.MayHold(0, "anything"));
}

}  // namespace
}  // namespace viper::parquet
