#include "index/index_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "base/coding.h"
#include "index/cluster_ranking.h"
#include "index/index_fixture.h"
#include "index/query_search.h"
#include "index/scan_mask.h"

namespace viper::index {
namespace {

std::vector<ScoredRow> Search(const BuiltIndex& built, std::span<const float> query, size_t k,
                              double recall, const Bitmap* selection = nullptr,
                              IndexSearchCounts* counts = nullptr, size_t probes = 0) {
  SearchedSegment searched = {.segment = built.segment.get()};
  std::shared_ptr<const ScanMask> mask;
  ClusterSelection clusters(built.model->cluster_count());
  IndexSearchRequest request;
  request.model = built.model.get();
  request.segments = {&searched, 1};
  request.queries = query;
  request.k = k;
  request.recall = recall;
  request.probes = probes;
  if (selection != nullptr) {
    mask = ScanMask::Make(*built.segment, *selection).value();
    searched.mask = mask.get();
    clusters.Add(*built.segment, mask.get());
    request.clusters = &clusters;
  }
  request.floats = [&built](uint64_t row) -> Result<HeldFloats> { return built.Row(row); };
  auto found = IndexSearch(request, counts);
  EXPECT_TRUE(found.ok()) << found.status().ToString();
  return std::move(found->front());
}

/// The share of `found` that is as near as the k-th of the truth.
double RecallOf(const std::vector<ScoredRow>& found, const std::vector<ScoredRow>& truth) {
  size_t hits = 0;
  for (const ScoredRow& row : found) hits += row.distance <= truth.back().distance ? 1 : 0;
  return static_cast<double>(hits) / static_cast<double>(truth.size());
}

void ExpectSane(const BuiltIndex& built, std::span<const float> query,
                const std::vector<ScoredRow>& found) {
  std::set<uint64_t> seen;
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_TRUE(seen.insert(found[i].row).second) << "twice: " << found[i].row;
    EXPECT_EQ(found[i].distance, ExactDistance(built.model->metric(), built.Row(found[i].row),
                                               query.data(), built.dim));
    if (i > 0) {
      EXPECT_GE(found[i].distance, found[i - 1].distance);
    }
  }
}

struct Shape {
  Metric metric;
  size_t dim;
  ByteRows kind;
  bool whole;
};

class IndexSearchShapes : public testing::TestWithParam<Shape> {};

TEST_P(IndexSearchShapes, FindsNearlyAllAtHighRecallWithExactDistances) {
  const Shape shape = GetParam();
  Random random(11);
  std::vector<float> rows = ClusteredRows(6000, shape.dim, 60, random);
  if (shape.whole) {
    for (float& x : rows) x = std::clamp(std::round(128 + 8 * x), 0.0F, 255.0F);
  }
  const BuiltIndex built = BuildIndex(std::move(rows), shape.dim, shape.metric, 40, shape.kind);
  double recall = 0;
  const int queries = 60;
  for (int i = 0; i < queries; ++i) {
    std::vector<float> query(built.rows.begin() + i * 97 * shape.dim,
                             built.rows.begin() + (i * 97 + 1) * shape.dim);
    const auto noise = NormalVector(shape.dim, random);
    for (size_t j = 0; j < shape.dim; ++j)
      query[j] += shape.whole ? std::round(noise[j]) : noise[j];
    const auto found = Search(built, query, 10, 0.999);
    ASSERT_EQ(found.size(), 10U);
    ExpectSane(built, query, found);
    recall += RecallOf(found, built.Nearest(query, 10)) / queries;
  }
  EXPECT_GT(recall, 0.97);
}

INSTANTIATE_TEST_SUITE_P(Shapes, IndexSearchShapes,
                         testing::Values(Shape{Metric::kL2, 32, ByteRows::kScaled, false},
                                         Shape{Metric::kL2, 100, ByteRows::kNone, false},
                                         Shape{Metric::kL2, 17, ByteRows::kWhole, true},
                                         Shape{Metric::kL2, 128, ByteRows::kWhole, true},
                                         Shape{Metric::kCosine, 64, ByteRows::kScaled, false},
                                         Shape{Metric::kCosine, 3, ByteRows::kNone, false},
                                         Shape{Metric::kDot, 48, ByteRows::kScaled, false},
                                         Shape{Metric::kDot, 96, ByteRows::kNone, false},
                                         Shape{Metric::kL2, 1, ByteRows::kScaled, false},
                                         Shape{Metric::kL2, 500, ByteRows::kScaled, false}));

TEST(IndexSearch, GivesKRowsWheneverSoManyAreSelected) {
  Random random(12);
  const BuiltIndex built =
      BuildIndex(ClusteredRows(4000, 24, 30, random), 24, Metric::kL2, 30, ByteRows::kScaled);
  for (const size_t selected : {0, 1, 5, 9, 10, 11, 60, 1000}) {
    Bitmap selection(built.count());
    while (selection.CountSet() < selected) selection.Set(random.Uniform(built.count()));
    for (int i = 0; i < 10; ++i) {
      const auto query = NormalVector(24, random);
      const auto found = Search(built, query, 10, 0.9, &selection);
      ExpectSane(built, query, found);
      EXPECT_EQ(found.size(), std::min<size_t>(10, selected));
      for (const ScoredRow& row : found) EXPECT_TRUE(selection.Test(row.row));
      // Where every selected row is among the answers they are all there is to find.
      if (selected <= 10) {
        EXPECT_EQ(found, built.Nearest(query, 10, &selection));
      }
    }
  }
}

TEST(IndexSearch, MoreThanThereAreGivesAll) {
  Random random(13);
  const BuiltIndex built =
      BuildIndex(ClusteredRows(700, 8, 9, random), 8, Metric::kCosine, 10, ByteRows::kScaled);
  const auto query = NormalVector(8, random);
  EXPECT_EQ(Search(built, query, 5000, 0.9), built.Nearest(query, 5000));
  EXPECT_TRUE(Search(built, query, 0, 0.9).empty());
}

TEST(IndexSearch, EqualRowsComeInTheirOrder) {
  std::vector<float> rows;
  for (int i = 0; i < 1000; ++i) rows.insert(rows.end(), {1, 2, 3, 4});
  const BuiltIndex built = BuildIndex(std::move(rows), 4, Metric::kL2, 5, ByteRows::kWhole);
  const std::vector<float> query = {4, 3, 2, 1};
  const auto found = Search(built, query, 1000, 0.95);
  EXPECT_EQ(found, built.Nearest(query, 1000));
}

TEST(IndexSearch, ZeroRowsAreAtDistanceOneUnderCosine) {
  Random random(14);
  std::vector<float> rows = ClusteredRows(500, 6, 4, random);
  for (int i = 0; i < 500; i += 50) std::fill_n(rows.begin() + i * 6, 6, 0.0F);
  const BuiltIndex built = BuildIndex(std::move(rows), 6, Metric::kCosine, 6, ByteRows::kScaled);
  EXPECT_EQ(built.segment->zero_rows().size(), 10U);
  for (int i = 0; i < 20; ++i) {
    const auto query = NormalVector(6, random);
    EXPECT_EQ(Search(built, query, 500, 0.99), built.Nearest(query, 500));
  }
}

TEST(IndexSearch, ReadsFewOfTheRows) {
  Random random(15);
  const BuiltIndex built =
      BuildIndex(ClusteredRows(20'000, 64, 200, random), 64, Metric::kL2, 80, ByteRows::kScaled);
  IndexSearchCounts counts;
  for (int i = 0; i < 20; ++i) {
    const std::span<const float> query = std::span(built.rows).subspan(i * 640, 64);
    Search(built, query, 10, 0.95, nullptr, &counts);
  }
  EXPECT_LT(counts.scanned_rows, 20U * 8000);
  EXPECT_LT(counts.byte_rows, counts.scanned_rows / 2);
  EXPECT_LT(counts.exact_rows, 20U * 200);
}

TEST(IndexSearch, FindsWhatItIsAskedForInFarMoreClustersThanCurvesModel) {
  Random random(19);
  constexpr size_t kDim = 48;
  constexpr size_t kRows = 24'000;
  // No structure at all, and ten rows a cluster.
  BuiltIndex built =
      BuildIndex(NormalVector(kRows * kDim, random), kDim, Metric::kL2, 2400, ByteRows::kScaled);
  std::vector<uint64_t> taught;
  for (uint64_t row = 0; row < 400; ++row) taught.push_back(row * 60);
  const auto floats = [&built](uint64_t row) -> Result<HeldFloats> { return built.Row(row); };
  ProbeTraining training;
  training.segment = built.segment.get();
  training.clusters = built.clusters;
  training.queries = taught;
  training.floats = floats;
  training.nearest = [&](std::span<const float> queries,
                         size_t k) -> Result<std::vector<std::vector<uint64_t>>> {
    std::vector<std::vector<uint64_t>> nearest(queries.size() / kDim);
    for (size_t i = 0; i < nearest.size(); ++i) {
      for (const ScoredRow& row : built.Nearest(queries.subspan(i * kDim, kDim), k)) {
        nearest[i].push_back(row.row);
      }
    }
    return nearest;
  };
  built.model = FitProbes(built.model, training).value();
  const SearchedSegment searched = {.segment = built.segment.get()};
  IndexSearchRequest request;
  request.model = built.model.get();
  request.segments = {&searched, 1};
  request.k = 11;
  request.floats = floats;
  for (const double recall : {0.9, 0.95, 0.98}) {
    size_t found = 0;
    constexpr size_t kQueries = 100;
    for (size_t i = 0; i < kQueries; ++i) {
      // Rows that were not taught, which find themselves in any case.
      const size_t row = i * 240 + 31;
      request.queries = std::span(built.rows).subspan(row * kDim, kDim);
      request.recall = recall;
      request.probes = 0;
      const auto some = IndexSearch(request, nullptr).value();
      request.probes = 2400;
      request.recall = 0.999;
      const auto all = IndexSearch(request, nullptr).value();
      std::set<uint64_t> nearest;
      for (const ScoredRow& near : all.front()) nearest.insert(near.row);
      nearest.erase(row);
      for (const ScoredRow& near : some.front()) found += nearest.count(near.row);
    }
    EXPECT_GT(static_cast<double>(found) / (10 * kQueries), recall - 0.015) << recall;
  }
}

TEST(IndexSearch, PlansTheProbesThatItMakes) {
  Random random(17);
  for (const Metric metric : {Metric::kL2, Metric::kDot}) {
    BuiltIndex built =
        BuildIndex(ClusteredRows(20'000, 32, 300, random), 32, metric, 400, ByteRows::kScaled);
    std::vector<uint64_t> taught;
    for (uint64_t row = 0; row < 400; ++row) taught.push_back(row * 50);
    const auto floats = [&built](uint64_t row) -> Result<HeldFloats> { return built.Row(row); };
    ProbeTraining training;
    training.segment = built.segment.get();
    training.clusters = built.clusters;
    training.queries = taught;
    training.floats = floats;
    built.model = FitProbes(built.model, training).value();
    const SearchedSegment searched = {.segment = built.segment.get()};
    for (const double recall : {0.5, 0.9, 0.99}) {
      for (const size_t k : {1U, 10U, 300U}) {
        const std::vector<float> query = NormalVector(32, random);
        IndexSearchRequest request;
        request.model = built.model.get();
        request.segments = {&searched, 1};
        request.queries = query;
        request.k = k;
        request.recall = recall;
        request.floats = floats;
        const auto planned = PlanProbes(request).value();
        EXPECT_TRUE(planned.front().expected_share.has_value());
        IndexSearchCounts counts;
        ASSERT_TRUE(IndexSearch(request, &counts).ok());
        EXPECT_GE(counts.probed_clusters, QuerySearch::kOpeningClusters);
        size_t rows = 0;
        for (const PlannedProbe& probe : planned) {
          rows += built.segment->cluster(probe.cluster).row_count;
        }
        // It goes on where these do not hold k rows.
        if (rows < k) continue;
        EXPECT_EQ(planned.size(), counts.probed_clusters);
        EXPECT_EQ(rows, counts.scanned_rows);
      }
    }
  }
}

TEST(IndexSearch, ClustersWithoutSelectedRowsDoNotCountAsProbed) {
  Random random(17);
  const BuiltIndex built =
      BuildIndex(ClusteredRows(4000, 16, 30, random), 16, Metric::kL2, 30, ByteRows::kScaled);
  // All rows of the four clusters that are farthest from the query.
  const std::vector<float> query = NormalVector(16, random);
  std::vector<ClusterDistance> ranked = RankClusters(*built.model, query, 30);
  Bitmap selection(built.count());
  uint64_t blocks = 0;
  for (size_t rank = 26; rank < 30; ++rank) {
    blocks += built.segment->cluster(ranked[rank].cluster).block_count;
    for (size_t row = 0; row < built.count(); ++row) {
      if (built.clusters[row] == ranked[rank].cluster) selection.Set(row);
    }
  }
  IndexSearchCounts counts;
  const auto found = Search(built, query, 10, 0.9, &selection, &counts, 4);
  EXPECT_EQ(counts.probed_clusters, 4U);
  // All but the rows of a last block of very few.
  EXPECT_LE(counts.scanned_rows, selection.CountSet());
  EXPECT_GE(counts.scanned_rows, (blocks - 4) * 64);
  // The bounds of codes hold for nearly all rows, not for every one: 5 in 1,000 are lost here.
  const auto nearest = built.Nearest(query, 10, &selection);
  const auto is_found = [&](const ScoredRow& row) {
    return std::find(found.begin(), found.end(), row) != found.end();
  };
  EXPECT_EQ(found.size(), 10U);
  EXPECT_GE(std::count_if(nearest.begin(), nearest.end(), is_found), 9);
}

TEST(IndexSearch, BlocksWithoutSelectedRowsAreNotScannedNorThoseWithFew) {
  for (const ByteRows kind : {ByteRows::kNone, ByteRows::kScaled}) {
    Random random(18);
    const BuiltIndex built =
        BuildIndex(ClusteredRows(2000, 16, 3, random), 16, Metric::kL2, 2, kind);
    const ClusterView& cluster = built.segment->cluster(0);
    ASSERT_GT(cluster.block_count, 3U);
    Bitmap selection(built.count());
    selection.Set(LoadFixed<uint32_t>(cluster.numbers + 70 * sizeof(uint32_t)));
    IndexSearchCounts counts;
    const auto query = NormalVector(16, random);
    EXPECT_EQ(Search(built, query, 3, 0.9, &selection, &counts),
              built.Nearest(query, 3, &selection));
    EXPECT_EQ(counts.probed_clusters, 1U);
    // With bytes to compare a row by, its code need not be looked at.
    EXPECT_EQ(counts.scanned_rows, kind == ByteRows::kNone ? 64U : 0U);
    EXPECT_EQ(counts.byte_rows, kind == ByteRows::kNone ? 0U : 1U);
  }
}

TEST(IndexSearch, AMaskMayBeOlderThanTheSelection) {
  Random random(19);
  const BuiltIndex built =
      BuildIndex(ClusteredRows(3000, 16, 20, random), 16, Metric::kL2, 20, ByteRows::kScaled);
  Bitmap wide(built.count());
  for (size_t i = 0; i < built.count(); i += 2) wide.Set(i);
  Bitmap narrow = wide;
  for (size_t i = 0; i < built.count(); i += 6) narrow.Clear(i);
  const auto mask = ScanMask::Make(*built.segment, wide).value();
  ClusterSelection clusters(built.model->cluster_count());
  clusters.Add(*built.segment, mask.get());
  const SearchedSegment searched = {built.segment.get(), 0, mask.get(), &narrow};
  IndexSearchRequest request;
  request.model = built.model.get();
  request.segments = {&searched, 1};
  request.clusters = &clusters;
  request.k = 2000;
  request.floats = [&built](uint64_t row) -> Result<HeldFloats> { return built.Row(row); };
  const auto query = NormalVector(16, random);
  request.queries = query;
  EXPECT_EQ(IndexSearch(request, nullptr).value().front(), built.Nearest(query, 2000, &narrow));
}

TEST(IndexSearch, ADamagedClusterIsNamed) {
  Random random(16);
  BuiltIndex built =
      BuildIndex(ClusteredRows(2000, 16, 10, random), 16, Metric::kL2, 10, ByteRows::kScaled);
  built.bytes[100] ^= std::byte{4};
  const SearchedSegment searched = {.segment = built.segment.get()};
  IndexSearchRequest request;
  request.model = built.model.get();
  request.segments = {&searched, 1};
  request.probes = 10;
  request.k = 5;
  request.floats = [&built](uint64_t row) -> Result<HeldFloats> { return built.Row(row); };
  const std::vector<float> query(16, 0.5F);
  request.queries = query;
  const auto found = IndexSearch(request, nullptr);
  EXPECT_EQ(found.status().code(), StatusCode::kCorruption);
  EXPECT_NE(found.status().message().find("cluster 0"), std::string::npos);
}

}  // namespace
}  // namespace viper::index
