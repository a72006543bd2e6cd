#include "parquet/leaf_pages.h"

#include <gtest/gtest.h>

#include "parquet/arrow_fixture.h"
#include "parquet/part_fixture.h"
#include "parquet/vector_column_reader.h"
#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

std::vector<std::byte> SmallPages(bool has_index) {
  std::string json = "[";
  for (int i = 0; i < 2000; ++i) json += fmt::format("{}[{}, 1, 2]", i == 0 ? "" : ", ", i % 50);
  ::parquet::WriterProperties::Builder builder;
  builder.data_pagesize(256)->write_batch_size(32)->compression(::parquet::Compression::SNAPPY);
  if (has_index) builder.enable_write_page_index();
  if (!has_index) builder.disable_write_page_index();
  return WriteForeign(
      *TableFromJson({{::arrow::field("_vector", ::arrow::list(::arrow::float32())), json + "]"}}),
      {.properties = builder.build(), .rows_per_group = 700});
}

TEST(LeafPages, WalkingFindsTheRowsThatTheIndexTells) {
  for (const bool has_index : {false, true}) {
    const auto bytes = SmallPages(has_index);
    const auto footer = PartFooter::Open(bytes).value();
    const LeafPages leaf(*footer, 0);
    EXPECT_FALSE(leaf.IsUncompressed());
    const auto index = footer->MakePageIndexReader();
    ASSERT_OK_AND_ASSIGN(const auto pages, leaf.Find(index.get()));
    ASSERT_GT(pages.size(), 10U);
    uint64_t next = 0;
    for (const EncodedPage& page : pages) {
      EXPECT_EQ(page.rows.first, next);
      EXPECT_EQ(page.row_group, page.rows.first / 700);
      next = page.rows.end();
      ASSERT_OK_AND_ASSIGN(const auto run, leaf.OpenRun(page.row_group, page.place));
      EXPECT_EQ(run->NextPage()->type(), ::parquet::PageType::DICTIONARY_PAGE);
      EXPECT_NE(run->NextPage(), nullptr);
    }
    EXPECT_EQ(next, 2000U);
  }
}

TEST(LeafPages, OurVectorsAreUncompressed) {
  const auto bytes = WritePart(MakeExampleRows(100, 4, 1).rows, ExampleSchema(4));
  const auto footer = PartFooter::Open(bytes).value();
  EXPECT_TRUE(LeafPages(*footer, footer->metadata().num_columns() - 1).IsUncompressed());
  EXPECT_FALSE(VectorColumnReader::Open(*footer, 4).value().pages().descriptor().name().empty());
}

}  // namespace
}  // namespace viper::parquet
