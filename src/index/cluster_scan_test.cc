#include "index/cluster_scan.h"

#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "index/index_fixture.h"
#include "platform/thread_pool.h"

namespace viper::index {
namespace {

class ClusterScanTest : public testing::Test {
 protected:
  ClusterScanTest() {
    Random random(47);
    built_ =
        BuildIndex(ClusteredRows(4000, 32, 40, random), 32, Metric::kL2, 30, ByteRows::kScaled);
    searched_.segment = built_.segment.get();
    request_.model = built_.model.get();
    request_.segments = {&searched_, 1};
    request_.k = 10;
    request_.recall = 0.999;
    request_.floats = [this](uint64_t row) -> Result<HeldFloats> { return built_.Row(row); };
    query_ = std::span(built_.rows).first(32);
    prepared_.Prepare(*built_.model, query_);
    ranked_ = RankClusters(*built_.model, query_, 30);
  }

  std::span<const ClusterDistance> Opening() const { return std::span(ranked_).first(4); }
  std::span<const ClusterDistance> Rest() const { return std::span(ranked_).subspan(4); }

  BuiltIndex built_;
  SearchedSegment searched_;
  IndexSearchRequest request_;
  std::span<const float> query_;
  PreparedQuery prepared_;
  std::vector<ClusterDistance> ranked_;
  ScanScratch scratch_;
  IndexSearchCounts counts_;
  ClusterScan scan_;
};

TEST_F(ClusterScanTest, FindsTheNearestOfTheClustersThatItScanned) {
  scan_.Start(request_, prepared_, scratch_, counts_);
  ASSERT_TRUE(scan_.ScanOpening(Opening()).ok());
  EXPECT_TRUE(scan_.has_enough());
  ASSERT_TRUE(scan_.ScanClusters(Rest(), 1).ok());
  EXPECT_EQ(counts_.scanned_rows, built_.count());
  EXPECT_EQ(scan_.TakeNearest().value(), built_.Nearest(query_, 10));
}

TEST_F(ClusterScanTest, SharesScanEveryClusterOnceAndGoByTheThresholdReached) {
  scan_.Start(request_, prepared_, scratch_, counts_);
  ASSERT_TRUE(scan_.ScanOpening(Opening()).ok());
  const IndexSearchCounts opened = counts_;
  for (size_t i = 0; i < 3; ++i) {
    ClusterScan share;
    ScanScratch scratch;
    IndexSearchCounts counts;
    share.StartShare(scan_, scratch, counts);
    ASSERT_TRUE(share.ScanClusters(Rest().subspan(i), 3).ok());
    EXPECT_LT(counts.byte_rows, counts.scanned_rows / 10);
    scan_.Merge(share);
    counts_.Add(counts);
  }
  EXPECT_GT(counts_.scanned_rows, opened.scanned_rows);
  EXPECT_EQ(counts_.scanned_rows, built_.count());
  EXPECT_EQ(scan_.TakeNearest().value(), built_.Nearest(query_, 10));
}

/// Without an opening no byte row has been compared yet. The thread sanitizer watches.
TEST_F(ClusterScanTest, SharesMayScanAtTheSameTimeWhateverWasScannedBefore) {
  scan_.Start(request_, prepared_, scratch_, counts_);
  std::vector<ClusterScan> shares(2);
  std::vector<ScanScratch> scratches(2);
  std::vector<IndexSearchCounts> counts(2);
  for (size_t i = 0; i < 2; ++i) shares[i].StartShare(scan_, scratches[i], counts[i]);
  ThreadPool pool("test", 2);
  pool.ParallelFor(2, [&](size_t i) {
    EXPECT_TRUE(shares[i].ScanClusters(std::span(ranked_).subspan(i), 2).ok());
  });
  for (const ClusterScan& share : shares) scan_.Merge(share);
  EXPECT_EQ(scan_.TakeNearest().value(), built_.Nearest(query_, 10));
}

TEST_F(ClusterScanTest, RowsOfAClusterWaitUntilTheyAreCompared) {
  scan_.Start(request_, prepared_, scratch_, counts_);
  for (const ClusterDistance& cluster : ranked_) ASSERT_TRUE(scan_.ScanCluster(cluster).ok());
  scan_.CompareWaiting();
  EXPECT_EQ(scan_.TakeNearest().value(), built_.Nearest(query_, 10));
}

}  // namespace
}  // namespace viper::index
