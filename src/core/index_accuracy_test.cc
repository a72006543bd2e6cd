#include "core/index_accuracy.h"

#include <algorithm>
#include <vector>

#include "core/indexed_collection_fixture.h"

namespace viper::core {
namespace {

using IndexAccuracyTest = IndexedCollectionFixture;

TEST_F(IndexAccuracyTest, IsMeasuredByEveryTraining) {
  for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
    SCOPED_TRACE(MetricName(metric));
    CreateIndexed(metric);
    Write(0, 8000);
    ASSERT_OK(collection_->Flush());
    EXPECT_STATUS(kFailedPrecondition, "no index", collection_->ReportIndex());
    ASSERT_OK(collection_->BuildIndex());
    ASSERT_OK_AND_ASSIGN(const IndexReport report, collection_->ReportIndex());
    ASSERT_TRUE(report.accuracy.has_value());
    const IndexAccuracy& accuracy = *report.accuracy;
    EXPECT_EQ(accuracy.rows, 8000U);
    EXPECT_GE(accuracy.assignment_rows, 200U);
    EXPECT_GE(accuracy.assignment_agreement, 0.97);
    EXPECT_GE(accuracy.queries, 32U);
    EXPECT_EQ(accuracy.k, 10U);
    EXPECT_EQ(accuracy.measured_at.micros, clock_.Now().micros);
    ASSERT_EQ(accuracy.recalls.size(), 4U);
    for (size_t i = 0; i < 4; ++i) {
      const RecallMeasurement& recall = accuracy.recalls[i];
      SCOPED_TRACE(recall.asked);
      EXPECT_GT(recall.routed, recall.asked - 0.03);
      EXPECT_LE(recall.routed, 1);
      EXPECT_GT(recall.achieved, recall.asked - 0.03);
      EXPECT_LE(recall.achieved, 1);
      EXPECT_GE(recall.probed_clusters, 1);
      EXPECT_LE(recall.probed_clusters, static_cast<double>(report.clusters));
      EXPECT_GE(recall.scanned_rows, 10);
      if (i > 0) {
        EXPECT_GE(recall.scanned_rows, accuracy.recalls[i - 1].scanned_rows);
        EXPECT_GE(recall.routed, accuracy.recalls[i - 1].routed);
      }
    }
    collection_.reset();
    ASSERT_OK(files_.RemoveDirectoryTree("/db"));
  }
}

TEST_F(IndexAccuracyTest, OutlivesReopeningAndStaysWhereLittleIsAdded) {
  CreateIndexed();
  Write(0, 6000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  ASSERT_OK_AND_ASSIGN(const IndexReport built, collection_->ReportIndex());
  ASSERT_OK(Reopen());
  ASSERT_OK_AND_ASSIGN(const IndexReport again, collection_->ReportIndex());
  ASSERT_TRUE(again.accuracy.has_value());
  EXPECT_EQ(again.accuracy->assignment_agreement, built.accuracy->assignment_agreement);
  EXPECT_EQ(again.accuracy->recalls[1].achieved, built.accuracy->recalls[1].achieved);
  Write(6000, 6060);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  ASSERT_OK_AND_ASSIGN(const IndexReport after, collection_->ReportIndex());
  EXPECT_EQ(after.accuracy->rows, 6000U) << "as told then";
  EXPECT_EQ(after.indexed_rows, 6060U);
  Write(6060, 6600);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  ASSERT_OK_AND_ASSIGN(const IndexReport later, collection_->ReportIndex());
  EXPECT_EQ(later.accuracy->rows, 6600U);
}

/// Dead rows and rows of other sources neither ask nor answer.
TEST_F(IndexAccuracyTest, CountsLiveRowsOfTheIndexOnly) {
  CreateIndexed();
  Write(0, 6000);
  ASSERT_OK(collection_->Flush());
  std::vector<std::string> gone;
  for (int i = 0; i < 1000; ++i) gone.push_back("id" + std::to_string(i));
  ASSERT_OK(collection_->Delete(gone));
  Write(7000, 7500);
  ASSERT_OK(collection_->BuildIndex());
  ASSERT_OK_AND_ASSIGN(const IndexReport report, collection_->ReportIndex());
  EXPECT_EQ(report.accuracy->rows, 5000U);
  EXPECT_GT(report.accuracy->recalls[3].achieved, 0.96);
}

TEST_F(IndexAccuracyTest, OfZeroVectorsUnderCosineThereIsNothingToMeasure) {
  CreateIndexed(Metric::kCosine);
  std::vector<Record> records(3000);
  for (size_t i = 0; i < records.size(); ++i) {
    records[i].id = std::to_string(i);
    records[i].vector.assign(kDim, 0);
  }
  ASSERT_OK(collection_->Upsert(records));
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  ASSERT_OK_AND_ASSIGN(const IndexReport report, collection_->ReportIndex());
  ASSERT_TRUE(report.accuracy.has_value());
  EXPECT_EQ(report.accuracy->queries, 0U);
  EXPECT_TRUE(report.accuracy->recalls.empty());
}

}  // namespace
}  // namespace viper::core
