#include "parquet/part_footer.h"

#include <gtest/gtest.h>

#include "parquet/arrow_fixture.h"
#include "parquet/part_fixture.h"
#include "testing/status_matchers.h"

namespace viper::parquet {
namespace {

TEST(PartFooter, RowGroupsAreNumberedThrough) {
  const auto bytes = WritePart(MakeExampleRows(25, 4, 1).rows, ExampleSchema(4),
                               {.row_group_bytes = 10 * 4 * sizeof(float)});
  const auto footer = PartFooter::Open(bytes).value();
  EXPECT_EQ(footer->row_count(), 25U);
  EXPECT_EQ(footer->row_groups(), (std::vector<RowRange>{{0, 10}, {10, 10}, {20, 5}}));
}

TEST(PartFooter, ChunksLieBehindEachOtherInsideTheFile) {
  const auto bytes = WritePart(MakeExampleRows(100, 4, 1).rows, ExampleSchema(4));
  const auto footer = PartFooter::Open(bytes).value();
  uint64_t end = 4;
  for (int leaf = 0; leaf < footer->metadata().num_columns(); ++leaf) {
    const FileRange range = footer->ChunkRange(0, leaf).value();
    EXPECT_EQ(range.offset, end);
    end = range.end();
  }
  EXPECT_LT(end, bytes.size());
}

TEST(PartFooter, ColumnsAreFoundByTheirTopLevelName) {
  const auto pair = ::arrow::struct_(
      {::arrow::field("a", ::arrow::int64()), ::arrow::field("b", ::arrow::int64())});
  const auto bytes = WriteForeign(
      *TableFromJson({{::arrow::field("pair", pair), "[[1, 2]]"},
                      {::arrow::field("list", ::arrow::list(::arrow::int8())), "[[1]]"}}));
  const auto footer = PartFooter::Open(bytes).value();
  EXPECT_EQ(footer->FindLeaf("list").value(), 2);
  EXPECT_EQ(footer->FindLeaf("element").value(), std::nullopt);
  EXPECT_STATUS(kUnsupported, "column pair is a structure", footer->FindLeaf("pair"));
}

TEST(PartFooter, WhatIsNoParquetFileIsCorruption) {
  EXPECT_STATUS(kCorruption, "", PartFooter::Open({}));
  const std::vector<std::byte> zeros(1000);
  EXPECT_STATUS(kCorruption, "", PartFooter::Open(zeros));
}

}  // namespace
}  // namespace viper::parquet
