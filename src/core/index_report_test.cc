#include "core/index_report.h"

#include <string>
#include <vector>

#include "core/indexed_collection_fixture.h"

namespace viper::core {
namespace {

using IndexReportTest = IndexedCollectionFixture;

TEST_F(IndexReportTest, C21_TellsWhatWasTrainedAndWhatIsThere) {
  CreateIndexed();
  Write(0, 6000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  ASSERT_OK_AND_ASSIGN(const IndexReport report, collection_->ReportIndex());
  EXPECT_EQ(report.version, 1U);
  EXPECT_EQ(report.trained_at.micros, clock_.Now().micros);
  EXPECT_EQ(report.trained_rows, 6000U);
  EXPECT_EQ(report.sampled_rows, report.wanted_rows);
  EXPECT_GT(report.sampled_rows, 1000U);
  EXPECT_EQ(report.added_rows, 0U);
  EXPECT_EQ(report.clusters, collection_->Statistics().index_clusters);
  // None is empty, so all of them are active.
  EXPECT_EQ(report.clusters, collection_->Statistics().active_clusters);
  EXPECT_GE(report.cluster_rows_min, 1U);
  EXPECT_NEAR(report.cluster_rows_mean * static_cast<double>(report.clusters), 6000, 1e-6);
  EXPECT_GT(report.cluster_rows_max, report.cluster_rows_min);
  EXPECT_EQ(report.segments, 1U);
  EXPECT_EQ(report.indexed_rows, 6000U);
  EXPECT_EQ(report.table_rows, 6000U);
  EXPECT_NEAR(report.distance_growth, 1, 1e-9);
  EXPECT_NEAR(report.imbalance_growth, 1, 1e-9);
  EXPECT_FALSE(report.retrain_reason.has_value());
  EXPECT_TRUE(report.damaged_files.empty());
  uint64_t bytes = 0;
  for (const std::string& name : IndexFiles()) {
    bytes += ReadFile("/db/docs/_viper/index/" + name).size();
  }
  EXPECT_EQ(report.bytes, bytes);
  ASSERT_OK_AND_ASSIGN(const auto predicted, collection_->PredictOptimalCluster(RandomVector()));
  EXPECT_EQ(predicted.id.model, report.model);
}

TEST_F(IndexReportTest, RowsOfNewPartsAreNotIndexedYet) {
  CreateIndexed();
  Write(0, 5000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  Write(5000, 5100);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK_AND_ASSIGN(const IndexReport report, collection_->ReportIndex());
  EXPECT_EQ(report.indexed_rows, 5000U);
  EXPECT_EQ(report.table_rows, 5100U);
}

TEST_F(IndexReportTest, NamesSegmentsThatWereFoundDamaged) {
  CreateIndexed();
  Write(0, 4000);
  ASSERT_OK(collection_->Flush());
  ASSERT_OK(collection_->BuildIndex());
  collection_.reset();
  const std::string segment = FilesEndingIn("/db/docs/_viper/index", ".vseg").front();
  std::string bytes = ReadFile(segment);
  for (size_t i = 0; i < bytes.size() / 2; i += 97) bytes[i] = static_cast<char>(bytes[i] ^ 0x11);
  WriteFile(segment, bytes);
  ASSERT_OK(Reopen());
  EXPECT_EQ(Recall(0.9), 1);
  ASSERT_OK_AND_ASSIGN(const IndexReport report, collection_->ReportIndex());
  EXPECT_EQ(report.damaged_files, std::vector<std::string>{segment});
  EXPECT_NE(log_.find(segment), std::string::npos);
}

}  // namespace
}  // namespace viper::core
