#include "pipeline/batch_builder.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "pipeline/source_limits.h"

namespace viper::pipeline {
namespace {

Record MakeRecord(std::string id, std::vector<float> vector) {
  Record record;
  record.id = std::move(id);
  record.vector = std::move(vector);
  return record;
}

TEST(BatchBuilder, BatchIsFullAtEightMebibytesOfFloats) {
  const size_t dim = 4096;
  BatchBuilder builder(dim);
  size_t rows = 0;
  for (; !builder.full(); ++rows) {
    ASSERT_TRUE(builder.Add(MakeRecord("x", std::vector<float>(dim)), 0).ok());
  }
  EXPECT_EQ(rows * dim * sizeof(float), kBatchFloatBytes);
  const RecordBatch batch = builder.Take();
  EXPECT_EQ(batch.row_count(), rows);
  EXPECT_EQ(batch.vectors.size(), rows * dim);
  EXPECT_EQ(builder.row_count(), 0U);
  EXPECT_FALSE(builder.full());
}

TEST(BatchBuilder, BatchIsFullBySixteenMebibytesOfText) {
  BatchBuilder builder(1);
  ASSERT_TRUE(builder.Add(MakeRecord("x", {1}), kBatchTextBytes - 1).ok());
  EXPECT_FALSE(builder.full());
  ASSERT_TRUE(builder.Add(MakeRecord("y", {1}), 1).ok());
  EXPECT_TRUE(builder.full());
}

TEST(BatchBuilder, TimesAreThereForEveryRowOrForNone) {
  BatchBuilder builder(1);
  Record timed = MakeRecord("b", {2});
  timed.timestamp = Timestamp{5};
  ASSERT_TRUE(builder.Add(MakeRecord("a", {1}), 1).ok());
  ASSERT_TRUE(builder.Add(timed, 1).ok());
  ASSERT_TRUE(builder.Add(MakeRecord("c", {3}), 1).ok());
  const RecordBatch batch = builder.Take();
  ASSERT_EQ(batch.timestamps.size(), 3U);
  EXPECT_FALSE(batch.timestamps[0].has_value());
  EXPECT_EQ(batch.timestamps[1], Timestamp{5});
  EXPECT_FALSE(batch.timestamps[2].has_value());
  EXPECT_TRUE(batch.expirations.empty());
}

TEST(BatchBuilder, OtherDimensionIsRefusedWithBothNumbers) {
  BatchBuilder builder(3);
  EXPECT_EQ(builder.Add(MakeRecord("a", {1, 2}), 1).message(),
            "vector has another dimension than the first row's: expected=3 actual=2");
  EXPECT_EQ(builder.row_count(), 0U);
}

TEST(MakeRowId, PutsTheNumberBehindThePrefix) {
  EXPECT_EQ(MakeRowId("", 0), "0");
  EXPECT_EQ(MakeRowId("row-", 18'446'744'073'709'551'615U), "row-18446744073709551615");
}

}  // namespace
}  // namespace viper::pipeline
