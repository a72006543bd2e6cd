#include "parquet/scalar_column_reader.h"

#include <gtest/gtest.h>

#include "parquet/arrow_fixture.h"
#include "parquet/part_fixture.h"
#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

/// A file and the reader of one of its columns.
struct Opened {
  std::vector<std::byte> bytes;
  std::unique_ptr<PartFooter> footer;
  std::unique_ptr<ScalarColumnReader> reader;
};

Opened Open(std::vector<std::byte> bytes, const PartColumn& column) {
  Opened opened{std::move(bytes), nullptr, nullptr};
  opened.footer = PartFooter::Open(opened.bytes).value();
  const auto index = opened.footer->MakePageIndexReader();
  opened.reader = std::make_unique<ScalarColumnReader>(
      ScalarColumnReader::Open(*opened.footer, column, index.get()).value());
  return opened;
}

ForeignFile WithoutStatistics() {
  return {.properties = ::parquet::WriterProperties::Builder().disable_statistics()->build(),
          .arrow_properties = ::parquet::default_arrow_writer_properties()};
}

TEST(ScalarColumnReader, WithoutAPageIndexARowGroupIsAPage) {
  ForeignFile file;
  file.properties = ::parquet::WriterProperties::Builder().disable_write_page_index()->build();
  file.rows_per_group = 2;
  const Opened opened =
      Open(WriteForeign(
               *TableFromJson({{::arrow::field("n", ::arrow::int64()), "[1, 2, 3, 4, 5]"}}), file),
           {"n", FieldType::kInt64, false});
  ASSERT_EQ(opened.reader->page_count(), 3U);
  EXPECT_EQ(opened.reader->PageRows(1), (RowRange{2, 2}));
  EXPECT_EQ(opened.reader->PageOfRow(4), 2U);
  EXPECT_EQ(opened.reader->ReadPage(2).value().ValueAt(0), Value(5));
}

TEST(ScalarColumnReader, AColumnThatTheFileLacksHasAPageOfNullsForEachRowGroup) {
  ForeignFile file;
  file.rows_per_group = 2;
  const Opened opened =
      Open(WriteForeign(
               *TableFromJson({{::arrow::field("n", ::arrow::int64()), "[1, 2, 3, 4, 5]"}}), file),
           {"other", FieldType::kString, false});
  EXPECT_EQ(opened.reader->StoredType(), std::nullopt);
  ASSERT_EQ(opened.reader->page_count(), 3U);
  EXPECT_EQ(opened.reader->PageOfRow(4), 2U);
  EXPECT_EQ(opened.reader->PageRows(1), (RowRange{2, 2}));
  const auto nulls = opened.reader->ReadPage(1).value();
  EXPECT_EQ(nulls.type(), FieldType::kString);
  EXPECT_EQ(nulls.null_count(), 2U);
}

TEST(ScalarColumnReader, DictionaryPagesGoWithEveryPage) {
  const ExampleRows example = MakeExampleRows(10'000, 2, /*seed=*/6);
  const Opened opened =
      Open(WritePart(example.rows, ExampleSchema(2)), {"category", FieldType::kString, false});
  ASSERT_GT(opened.reader->page_count(), 3U);
  for (const size_t page : {3U, 0U, 2U}) {
    const RowRange rows = opened.reader->PageRows(page);
    const auto column = opened.reader->ReadPage(page).value();
    for (size_t i = 0; i < rows.count; ++i) {
      ASSERT_EQ(column.ValueAt(i), example.rows.fields[0].ValueAt(rows.first + i));
    }
  }
}

TEST(ScalarColumnReader, BoundsAreAbsentWhenTheFileDoesNotTell) {
  const auto table = TableFromJson({{::arrow::field("n", ::arrow::int64()), "[1, null, 3]"},
                                    {::arrow::field("x", ::arrow::float64()), "[1, null, 3]"},
                                    {::arrow::field("u", ::arrow::uint32()), "[1, null, 3]"}});
  const auto told = [&](const char* name, FieldType type) {
    return Open(WriteForeign(*table), {name, type, false}).reader->RowGroupBounds();
  };
  const auto numbers = told("n", FieldType::kInt64);
  ASSERT_EQ(numbers.size(), 1U);
  EXPECT_EQ(numbers[0].min, Value(1));
  EXPECT_EQ(numbers[0].max, Value(3));
  EXPECT_EQ(numbers[0].null_count, 1U);
  EXPECT_FALSE(told("x", FieldType::kFloat64)[0].min.has_value()) << "others may have left out NaN";
  EXPECT_FALSE(told("u", FieldType::kInt64)[0].min.has_value()) << "ordered as unsigned";
  EXPECT_TRUE(Open(WriteForeign(*table, WithoutStatistics()), {"n", FieldType::kInt64, false})
                  .reader->RowGroupBounds()
                  .empty());
}

TEST(ScalarColumnReader, ADamagedPageIsNamedByColumnAndPlace) {
  const ExampleRows example = MakeExampleRows(3000, 2, /*seed=*/6);
  auto bytes = WritePart(example.rows, ExampleSchema(2));
  const auto footer = PartFooter::Open(bytes).value();
  const FileRange ids = footer->ChunkRange(0, 0).value();
  bytes[ids.offset + 200] ^= std::byte{0x10};
  const Opened opened = Open(bytes, {"_id", FieldType::kString, true});
  EXPECT_STATUS(kCorruption,
                "column _id: page at byte 4 (rows from 0): ", opened.reader->ReadPage(0));
  EXPECT_OK(opened.reader->ReadPage(1));
}

}  // namespace
}  // namespace viper::parquet
