#include "parquet/leaf_pages.h"

#include <cstring>
#include <string>
#include <vector>

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

void PutVarint(uint64_t number, size_t bytes, std::string& out) {
  for (size_t i = 0; i < bytes; ++i, number >>= 7) {
    out += static_cast<char>((number & 0x7f) | (i + 1 < bytes ? 0x80 : 0));
  }
}

/// As parquet-mr before 1.12 wrote it (PARQUET-816): the data begin where the chunk does, and
/// nothing is said of a dictionary. In the footer, fields 9 and 11 of a ColumnMetaData.
std::vector<std::byte> WithoutDictionaryOffset(std::vector<std::byte> bytes) {
  const auto chunk = PartFooter::Open(bytes).value()->metadata().RowGroup(0)->ColumnChunk(0);
  const auto data = static_cast<uint64_t>(2 * chunk->data_page_offset());
  const auto dictionary = static_cast<uint64_t>(2 * chunk->dictionary_page_offset());
  const size_t data_bytes = data < 128 ? 1 : 2;
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::string old_fields = "\x26";
  PutVarint(data, data_bytes, old_fields);
  old_fields += "\x26";
  PutVarint(dictionary, 1, old_fields);
  const size_t place = text.rfind(old_fields);
  EXPECT_NE(place, std::string::npos);
  std::string new_fields = "\x26";
  PutVarint(dictionary, data_bytes, new_fields);
  text.replace(place, old_fields.size(), new_fields);
  uint32_t footer_bytes = 0;
  char* size = text.data() + text.size() - 8;
  std::memcpy(&footer_bytes, size, sizeof(footer_bytes));
  footer_bytes -= static_cast<uint32_t>(old_fields.size() - new_fields.size());
  std::memcpy(size, &footer_bytes, sizeof(footer_bytes));
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

TEST(LeafPages, ADictionaryThatTheFooterDoesNotTellOfIsFound) {
  for (const bool has_index : {false, true}) {
    const auto bytes = WithoutDictionaryOffset(SmallPages(has_index));
    const auto footer = PartFooter::Open(bytes).value();
    ASSERT_EQ(footer->metadata().RowGroup(0)->ColumnChunk(0)->dictionary_page_offset(), 0);
    const LeafPages leaf(*footer, 0);
    const auto index = footer->MakePageIndexReader();
    ASSERT_OK_AND_ASSIGN(const auto pages, leaf.Find(index.get()));
    ASSERT_EQ(pages.front().rows.first, 0U);
    ASSERT_OK_AND_ASSIGN(const auto run, leaf.OpenRun(0, pages[1].place));
    EXPECT_EQ(run->NextPage()->type(), ::parquet::PageType::DICTIONARY_PAGE);
    EXPECT_NE(run->NextPage(), nullptr);
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
