#include "core/index_cost.h"

#include <gtest/gtest.h>

namespace viper::core {
namespace {

index::ModelRecord TrainedRecord() {
  index::ModelRecord record;
  record.trained_rows = 10'000;
  record.trained_squared_distance = 1;
  record.trained_imbalance = 1.5;
  record.trained_scanned_rows = 1000;
  record.added_rows = 1000;
  return record;
}

void SetScannedRows(double rows, index::ModelRecord& record) {
  record.accuracy.emplace().recalls = {{0.9, 0, 0, 0, 1}, {0.95, 0, 0, 0, rows}};
}

TEST(ReasonToTrain, ThereIsNoneWhileNothingHasChanged) {
  EXPECT_FALSE(ReasonToTrain(TrainedRecord(), {11'000, 1, 1.5}, 11'000));
  EXPECT_FALSE(ReasonToTrain(TrainedRecord(), {30'000, 1.05, 2.9}, 30'000));
}

TEST(ReasonToTrain, GrowthIsOne) {
  const auto reason = ReasonToTrain(TrainedRecord(), {30'001, 1, 1.5}, 30'001);
  ASSERT_TRUE(reason);
  EXPECT_NE(reason->find("30001 rows"), std::string::npos);
}

TEST(ReasonToTrain, DriftIsOne) {
  const auto reason = ReasonToTrain(TrainedRecord(), {11'000, 1.07, 1.5}, 11'000);
  ASSERT_TRUE(reason);
  EXPECT_NE(reason->find("1.07 times as far"), std::string::npos);
}

TEST(ReasonToTrain, UnevenClustersAreOne) {
  const auto reason = ReasonToTrain(TrainedRecord(), {11'000, 1, 3.1}, 11'000);
  ASSERT_TRUE(reason);
  EXPECT_NE(reason->find("uneven"), std::string::npos);
}

TEST(ReasonToTrain, ScanningMoreThanTheGrowthExplainsIsOne) {
  index::ModelRecord record = TrainedRecord();
  record.added_rows = 15'600;
  // For 2.56 times the rows 1.6 times the work would be as expected.
  SetScannedRows(2300, record);
  EXPECT_FALSE(ReasonToTrain(record, {25'600, 1, 1.5}, 25'600));
  SetScannedRows(2500, record);
  const auto reason = ReasonToTrain(record, {25'600, 1, 1.5}, 25'600);
  ASSERT_TRUE(reason);
  EXPECT_NE(reason->find("scans"), std::string::npos);
}

TEST(ReasonToTrain, OneInAHundredNewRowsNeverIs) {
  index::ModelRecord record = TrainedRecord();
  record.added_rows = 100;
  SetScannedRows(100'000, record);
  EXPECT_FALSE(ReasonToTrain(record, {10'100, 40, 30}, 10'100));
}

TEST(ReasonToTrain, WithoutMeasurementsThereIsNothingToCompare) {
  index::ModelRecord record;
  record.trained_rows = 10'000;
  record.added_rows = 5000;
  EXPECT_FALSE(ReasonToTrain(record, {15'000, 3, 3}, 15'000));
}

TEST(CostOf, NoSegmentsCostNothing) {
  const IndexCost cost = CostOf({}, 10);
  EXPECT_EQ(cost.rows, 0U);
  EXPECT_EQ(cost.squared_distance, 0);
  EXPECT_EQ(cost.imbalance, 1);
}

}  // namespace
}  // namespace viper::core
