#include "index/cluster_ranking.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "index/index_fixture.h"

namespace viper::index {
namespace {

TEST(ClusterSorter, SortsAsStdSortDoes) {
  Random random(1);
  ClusterSorter sorter;
  for (int round = 0; round < 300; ++round) {
    std::vector<ClusterDistance> clusters(random.Uniform(400));
    for (uint32_t i = 0; i < clusters.size(); ++i) {
      const double value = static_cast<double>(random.Uniform(round % 3 == 0 ? 5 : 100'000)) - 2;
      clusters[i] = {static_cast<float>(round % 2 == 0 ? value : std::exp(value / 10'000)), i};
      if (round % 5 == 0 && random.Uniform(20) == 0) {
        clusters[i].value = std::copysign(std::numeric_limits<float>::infinity(),
                                          static_cast<float>(random.Uniform(3)) - 1);
      }
    }
    auto expected = clusters;
    std::sort(expected.begin(), expected.end(), IsNearer);
    const size_t count = random.Uniform(clusters.size() + 1);
    sorter.Sort(clusters, count);
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(clusters[i].cluster, expected[i].cluster) << round << " " << i;
    }
  }
}

std::shared_ptr<const Model> ModelOf(std::vector<float> rows, size_t dim, size_t clusters) {
  TrainingOptions options;
  options.metric = Metric::kL2;
  options.dim = dim;
  options.cluster_count = clusters;
  options.row_count = rows.size() / dim;
  return TrainModel(std::move(rows), options).value();
}

/// Of the exact nearest `count` clusters the share among the first ranks, whose values may be off
/// by so much.
double Agreement(const Model& model, std::span<const float> query, size_t count,
                 float value_error) {
  PreparedQuery prepared;
  prepared.Prepare(model, query);
  ClusterRanker ranker;
  ranker.Rank(prepared, nullptr, 16);
  ranker.Refine(count);
  const auto exact = RankClusters(model, query, count);
  size_t found = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto& ranked = ranker.ranked()[i];
    const float exact_value = CentroidValue(model, ranked.cluster, prepared.prepared());
    EXPECT_NEAR(ranked.value, exact_value, value_error);
    for (const ClusterDistance& cluster : exact) found += cluster.cluster == ranked.cluster ? 1 : 0;
  }
  return static_cast<double>(found) / static_cast<double>(count);
}

TEST(ClusterRanker, TheFirstRanksAreTheNearest) {
  constexpr float kByteError = 0.2F;
  Random random(2);
  for (const size_t clusters : {20U, 600U}) {
    const auto model = ModelOf(ClusteredRows(6000, 64, 300, random), 64, clusters);
    double agreement = 0;
    for (int i = 0; i < 20; ++i) {
      agreement += Agreement(*model, NormalVector(64, random), 5, kByteError) / 20;
    }
    EXPECT_GT(agreement, clusters == 20 ? 0.999 : 0.9);
  }
}

/// Of a query far from all rows distances differ little beside the error of codes: bytes of more
/// clusters than are wanted have to decide.
TEST(ClusterRanker, RanksOfAFarQueryAreTheNearestToo) {
  constexpr float kByteError = 0.5F;
  Random random(8);
  std::vector<float> rows = ClusteredRows(12'000, 256, 600, random);
  const auto model = ModelOf(rows, 256, 1000);
  double agreement = 0;
  for (int i = 0; i < 20; ++i) {
    std::vector<float> middle(256);
    const size_t a = random.Uniform(12'000);
    const size_t b = random.Uniform(12'000);
    for (size_t j = 0; j < 256; ++j) middle[j] = (rows[a * 256 + j] + rows[b * 256 + j]) / 2;
    agreement += Agreement(*model, middle, 60, kByteError) / 20;
  }
  EXPECT_GT(agreement, 0.93);
}

TEST(ClusterRanker, RefinedRanksAreInOrderBeforeAllOthers) {
  Random random(6);
  const auto model = ModelOf(ClusteredRows(6000, 64, 300, random), 64, 600);
  const std::vector<float> query = NormalVector(64, random);
  PreparedQuery prepared;
  prepared.Prepare(*model, query);
  ClusterRanker ranker;
  ranker.Rank(prepared, nullptr, 16);
  for (const size_t count : {20U, 50U, 120U, 300U, 600U}) {
    ranker.Refine(count);
    const auto ranked = ranker.ranked();
    EXPECT_TRUE(std::is_sorted(ranked.begin(), ranked.begin() + count, IsNearer)) << count;
    // The byte values that decide which are first reach beyond these.
    const auto compared = ranked.first(std::max<size_t>(count, 120));
    for (const ClusterDistance& other : compared.subspan(count)) {
      EXPECT_FALSE(IsNearer(other, ranked[count - 1])) << count;
    }
  }
}

/// Two groups that are far from each other: their centroids are long, and those of a group are near
/// to each other, so that neither codes nor bytes tell them apart.
TEST(ClusterRanker, GroupsFarApartAreRankedByFloats) {
  Random random(3);
  for (const size_t clusters : {20U, 400U}) {
    std::vector<float> rows = ClusteredRows(6000, 64, 300, random);
    for (size_t i = 0; i < rows.size() / 2; ++i) rows[i] += 2000;
    const auto model = ModelOf(std::move(rows), 64, clusters);
    for (int i = 0; i < 20; ++i) {
      std::vector<float> query = NormalVector(64, random);
      if (i % 2 == 0) {
        for (float& x : query) x += 2000;
      }
      EXPECT_EQ(Agreement(*model, query, 5, 0), 1);
    }
  }
}

/// Each cluster is far from all others, measured by its residuals, which have a length of one:
/// bytes tell which are near, but not their distances to the hundredth of a residual.
TEST(ClusterRanker, ValuesAreExactWhereClustersAreFarApart) {
  Random random(5);
  constexpr size_t kDim = 64;
  ModelContent content;
  content.dim = kDim;
  content.code_dim = kDim;
  content.mean.assign(kDim, 0);
  content.centroids = NormalVector(40 * kDim, random);
  for (float& x : content.centroids) x *= 10;
  std::vector<float> query(content.centroids.begin(), content.centroids.begin() + kDim);
  for (float& x : query) x += 0.1F;
  const auto model = Model::Make(std::move(content)).value();
  EXPECT_EQ(Agreement(*model, query, 5, 0), 1);
}

/// Centroids that differ by less than their bytes tell, though by little for the residuals of rows.
TEST(ClusterRanker, CentroidsNearEachOtherAreRankedByFloats) {
  Random random(7);
  constexpr size_t kDim = 64;
  for (int round = 0; round < 20; ++round) {
    const std::vector<float> place = NormalVector(kDim, random);
    ModelContent content;
    content.dim = kDim;
    content.code_dim = kDim;
    content.mean.assign(kDim, 0);
    for (int i = 0; i < 40; ++i) {
      const std::vector<float> noise = NormalVector(kDim, random);
      for (size_t j = 0; j < kDim; ++j) {
        content.centroids.push_back(0.02F * place[j] + 0.001F * noise[j]);
      }
    }
    std::vector<float> query(content.centroids.begin(), content.centroids.begin() + kDim);
    for (float& x : query) x += 0.001F;
    const auto model = Model::Make(std::move(content)).value();
    EXPECT_EQ(Agreement(*model, query, 5, 0), 1) << round;
  }
}

TEST(ClusterSorter, ManyInOneBucketAreSortedAsWell) {
  Random random(8);
  std::vector<ClusterDistance> clusters(5000);
  for (uint32_t i = 0; i < clusters.size(); ++i) {
    const double group = i % 2 == 0 ? 0 : 1e9;
    clusters[i] = {static_cast<float>(group + static_cast<double>(random.Uniform(1000))), i};
  }
  auto expected = clusters;
  std::sort(expected.begin(), expected.end(), IsNearer);
  ClusterSorter().Sort(clusters, 100);
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(clusters[i].cluster, expected[i].cluster) << i;
  std::sort(clusters.begin(), clusters.end(), IsNearer);
  EXPECT_EQ(clusters.back().cluster, expected.back().cluster);
}

TEST(ClusterRanker, ClustersThatAreLeftOutHaveNoRank) {
  Random random(4);
  const BuiltIndex built =
      BuildIndex(ClusteredRows(6000, 32, 300, random), 32, Metric::kL2, 400, ByteRows::kScaled);
  Bitmap selection(built.count());
  for (size_t row = 0; row < built.count(); row += 40) selection.Set(row);
  const auto mask = ScanMask::Make(*built.segment, selection).value();
  ClusterSelection clusters(built.model->cluster_count());
  clusters.Add(*built.segment, mask.get());
  ASSERT_LT(clusters.count(), built.model->cluster_count());
  PreparedQuery prepared;
  prepared.Prepare(*built.model, std::span(built.rows).first(32));
  ClusterRanker ranker;
  for (const size_t count : {16U, 50U, 400U}) {
    ranker.Rank(prepared, &clusters, count);
    for (const ClusterDistance& ranked : ranker.ranked()) EXPECT_TRUE(clusters.Has(ranked.cluster));
    ranker.Refine(clusters.count());
    EXPECT_EQ(ranker.ranked().size(), clusters.count());
  }
}

}  // namespace
}  // namespace viper::index
