#include "index/query_search.h"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "index/index_fixture.h"

namespace viper::index {
namespace {

class QuerySearchTest : public testing::Test {
 protected:
  QuerySearchTest() {
    Random random(41);
    built_ =
        BuildIndex(ClusteredRows(8000, 32, 80, random), 32, Metric::kL2, 60, ByteRows::kScaled);
    for (int i = 0; i < 200; ++i) {
      const std::vector<float> query = NormalVector(32, random);
      for (size_t j = 0; j < 32; ++j) {
        queries_.push_back(built_.rows[static_cast<size_t>(i) * 32 * 40 + j] + query[j]);
      }
    }
    searched_.segment = built_.segment.get();
    request_.model = built_.model.get();
    request_.segments = {&searched_, 1};
    request_.k = 10;
    request_.probes = 12;
    request_.floats = [this](uint64_t row) -> Result<const std::byte*> { return built_.Row(row); };
  }

  std::span<const float> Query(size_t i) const { return std::span(queries_).subspan(i * 32, 32); }

  BuiltIndex built_;
  std::vector<float> queries_;
  SearchedSegment searched_;
  IndexSearchRequest request_;
};

TEST_F(QuerySearchTest, WhatRemainsAfterTheOpeningIsWhatWasNotScanned) {
  SearchScratch scratch;
  QuerySearch search;
  IndexSearchCounts counts;
  ASSERT_TRUE(search.Begin(request_, Query(0), scratch, counts).ok());
  EXPECT_EQ(search.probes(), 12U);
  const auto ranked = RankClusters(*built_.model, Query(0), 12);
  ASSERT_EQ(search.remaining().size(), 8U);
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(search.remaining()[i].cluster, ranked[i + 4].cluster);
  }
  const uint64_t opened = counts.scanned_rows;
  ASSERT_TRUE(search.Scan().ok());
  uint64_t rows = 0;
  for (const ClusterDistance& cluster : ranked) {
    rows += built_.segment->cluster(cluster.cluster).row_count;
  }
  EXPECT_LT(opened, rows);
  EXPECT_EQ(counts.scanned_rows, rows);
}

/// Many queries for few clusters: the batch is scanned cluster by cluster.
TEST_F(QuerySearchTest, ABatchFindsWhatItsQueriesFindAlone) {
  request_.recall = 0.999;
  std::vector<std::vector<ScoredRow>> alone;
  for (size_t i = 0; i < 200; ++i) {
    request_.queries = Query(i);
    alone.push_back(IndexSearch(request_, nullptr).value().front());
  }
  request_.queries = queries_;
  request_.query_count = 200;
  IndexSearchCounts counts;
  const auto together = IndexSearch(request_, &counts).value();
  ASSERT_EQ(together.size(), 200U);
  EXPECT_EQ(counts.probed_clusters, 200U * 12);
  size_t equal = 0;
  for (size_t i = 0; i < 200; ++i) equal += together[i] == alone[i] ? 1 : 0;
  // A row may be lost to the bound of its code in one order of scanning and not in another.
  EXPECT_GE(equal, 198U);
}

TEST_F(QuerySearchTest, ABatchGivesKRowsWheneverSoManyAreSelected) {
  Bitmap selection(built_.count());
  for (size_t row = 0; row < built_.count(); row += 500) selection.Set(row);
  const auto mask = ScanMask::Make(*built_.segment, selection).value();
  ClusterSelection clusters(built_.model->cluster_count());
  clusters.Add(*built_.segment, mask.get());
  searched_.mask = mask.get();
  request_.clusters = &clusters;
  request_.probes = 2;
  request_.queries = queries_;
  request_.query_count = 200;
  const auto found = IndexSearch(request_, nullptr).value();
  for (const auto& rows : found) {
    EXPECT_EQ(rows.size(), 10U);
    for (const ScoredRow& row : rows) EXPECT_TRUE(selection.Test(row.row));
  }
}

TEST_F(QuerySearchTest, ADamagedClusterFailsTheBatchByName) {
  for (size_t i = 0; i < built_.bytes.size() / 2; i += 4096) built_.bytes[i] ^= std::byte{4};
  request_.queries = queries_;
  request_.query_count = 200;
  const auto found = IndexSearch(request_, nullptr);
  EXPECT_EQ(found.status().code(), StatusCode::kCorruption);
  EXPECT_NE(found.status().message().find("cluster"), std::string::npos);
}

}  // namespace
}  // namespace viper::index
