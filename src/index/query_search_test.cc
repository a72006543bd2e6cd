#include "index/query_search.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/stop_signal.h"
#include "index/index_fixture.h"
#include "platform/thread_pool.h"

namespace viper::index {
namespace {

/// Every look at it takes a second. Thread-safe.
class TickingClock final : public Clock {
 public:
  Timestamp Now() const override { return {micros_.fetch_add(1'000'000)}; }

 private:
  mutable std::atomic<int64_t> micros_ = 0;
};

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
    request_.floats = [this](uint64_t row) -> Result<HeldFloats> { return built_.Row(row); };
  }

  std::span<const float> Query(size_t i) const { return std::span(queries_).subspan(i * 32, 32); }

  /// Divide what remains of every query, however little it is.
  void Split() {
    request_.pool = &pool_;
    request_.share_bytes = 1;
  }

  /// One query after the other.
  std::vector<std::vector<ScoredRow>> SearchAll(IndexSearchCounts* counts = nullptr) {
    std::vector<std::vector<ScoredRow>> found;
    for (size_t i = 0; i < 200; ++i) {
      request_.queries = Query(i);
      found.push_back(IndexSearch(request_, counts).value().front());
    }
    return found;
  }

  ThreadPool pool_{"test", 3};
  BuiltIndex built_;
  std::vector<float> queries_;
  SearchedSegment searched_;
  IndexSearchRequest request_;
};

size_t CountEqual(const std::vector<std::vector<ScoredRow>>& a,
                  const std::vector<std::vector<ScoredRow>>& b) {
  size_t equal = 0;
  for (size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i] ? 1 : 0;
  return equal;
}

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
  const auto alone = SearchAll();
  request_.queries = queries_;
  request_.query_count = 200;
  IndexSearchCounts counts;
  const auto together = IndexSearch(request_, &counts).value();
  ASSERT_EQ(together.size(), 200U);
  EXPECT_EQ(counts.probed_clusters, 200U * 12);
  // A row may be lost to the bound of its code in one order of scanning and not in another.
  EXPECT_GE(CountEqual(together, alone), 198U);
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

TEST_F(QuerySearchTest, ThreadsFindTogetherWhatOneFinds) {
  request_.recall = 0.999;
  for (const size_t k : {1, 10, 300}) {
    request_.k = k;
    request_.pool = nullptr;
    IndexSearchCounts counts;
    const auto alone = SearchAll(&counts);
    Split();
    IndexSearchCounts split_counts;
    const auto split = SearchAll(&split_counts);
    // A row may be lost to the bound of its code with one threshold and not with another.
    EXPECT_GE(CountEqual(split, alone), k == 300 ? 190U : 198U);
    EXPECT_EQ(split_counts.probed_clusters, counts.probed_clusters);
    EXPECT_EQ(split_counts.scanned_rows, counts.scanned_rows);
    EXPECT_GE(split_counts.byte_rows, counts.byte_rows);
    EXPECT_EQ(CountEqual(split, SearchAll()), 200U) << "not by chance of who was faster";
  }
}

TEST_F(QuerySearchTest, WhatIsNotWorthAThreadStaysOnOne) {
  // So many that the opening does not give the last threshold.
  request_.k = 300;
  IndexSearchCounts counts;
  SearchAll(&counts);
  request_.pool = &pool_;
  IndexSearchCounts split_counts;
  SearchAll(&split_counts);
  EXPECT_EQ(split_counts.byte_rows, counts.byte_rows) << "as many thresholds as shares";
  Split();
  IndexSearchCounts shared_counts;
  SearchAll(&shared_counts);
  EXPECT_GT(shared_counts.byte_rows, counts.byte_rows);
}

TEST_F(QuerySearchTest, AClusterIsNotDivided) {
  request_.probes = 5;
  const auto alone = SearchAll();
  Split();
  EXPECT_EQ(SearchAll(), alone);
}

TEST_F(QuerySearchTest, ThreadsGoOnUntilThereAreKRowsOfAllSegmentsAndMasks) {
  Random random(43);
  BuiltIndex more;
  more.rows = ClusteredRows(3000, 32, 80, random);
  more.dim = 32;
  more.model = built_.model;
  more.clusters.resize(more.count());
  ClusterAssigner(more.model).Assign(more.Row(0), more.count(), more.clusters.data(), nullptr);
  more.bytes = WriteSegmentBytes(more, ByteRows::kNone);
  more.segment = Segment::Open(more.bytes, *more.model).value();
  Bitmap selection(more.count());
  for (size_t row = 0; row < more.count(); row += 7) selection.Set(row);
  const auto mask = ScanMask::Make(*more.segment, selection).value();
  const SearchedSegment segments[] = {searched_, {more.segment.get(), built_.count(), mask.get()}};
  ClusterSelection clusters(built_.model->cluster_count());
  clusters.Add(*built_.segment, nullptr);
  clusters.Add(*more.segment, mask.get());
  request_.segments = segments;
  request_.clusters = &clusters;
  request_.floats = [&](uint64_t row) -> Result<HeldFloats> {
    return row < built_.count() ? built_.Row(row) : more.Row(row - built_.count());
  };
  // Nothing is lost to a threshold where there is none. All, and more than the clusters hold.
  for (const size_t k : {5000U, 20'000U}) {
    request_.k = k;
    request_.queries = Query(0);
    request_.probes = k == 5000 ? 5 : 60;
    request_.pool = nullptr;
    const auto alone = IndexSearch(request_, nullptr).value().front();
    EXPECT_EQ(alone.size(), std::min(k, built_.count() + selection.CountSet()));
    Split();
    const auto split = IndexSearch(request_, nullptr).value().front();
    EXPECT_EQ(split.size(), alone.size());
    if (k == 20'000) {
      EXPECT_EQ(split, alone);
    }
  }
}

TEST_F(QuerySearchTest, EveryShareStopsInTime) {
  Split();
  const TickingClock clock;
  request_.queries = Query(0);
  // The first look is this one, the second that of the opening.
  const StopSignal stop({}, clock, 1500);
  request_.stop = &stop;
  IndexSearchCounts counts;
  const auto found = IndexSearch(request_, &counts);
  EXPECT_EQ(found.status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_GT(counts.scanned_rows, 0U) << "the opening was over";
}

TEST_F(QuerySearchTest, ADamagedClusterOfAnyShareIsNamed) {
  const auto ranked = RankClusters(*built_.model, Query(0), 12);
  Split();
  request_.queries = Query(0);
  for (size_t rank = 4; rank < 12; ++rank) {
    const uint32_t cluster = ranked[rank].cluster;
    std::byte& byte = built_.bytes[static_cast<size_t>(built_.segment->cluster(cluster).blocks -
                                                       built_.bytes.data())];
    byte ^= std::byte{4};
    // A segment that has not checked it yet.
    const auto segment = Segment::Open(built_.bytes, *built_.model).value();
    searched_.segment = segment.get();
    const auto found = IndexSearch(request_, nullptr);
    EXPECT_EQ(found.status().code(), StatusCode::kCorruption);
    EXPECT_NE(found.status().message().find("cluster " + std::to_string(cluster)),
              std::string::npos);
    byte ^= std::byte{4};
  }
}

}  // namespace
}  // namespace viper::index
