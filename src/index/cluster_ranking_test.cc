#include "index/cluster_ranking.h"

#include <algorithm>
#include <cmath>
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
    }
    auto expected = clusters;
    std::sort(expected.begin(), expected.end(), IsNearer);
    sorter.Sort(clusters);
    for (size_t i = 0; i < clusters.size(); ++i) {
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

/// Of the exact nearest `count` clusters the share among the first ranks.
double Agreement(const Model& model, std::span<const float> query, size_t count) {
  PreparedQuery prepared;
  prepared.Prepare(model, query);
  ClusterRanker ranker;
  ranker.Rank(prepared, nullptr, 16);
  ranker.Refine(2 * count);
  const auto exact = RankClusters(model, query, count);
  size_t found = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto& ranked = ranker.ranked()[i];
    EXPECT_EQ(ranked.value, CentroidValue(model, ranked.cluster, prepared.prepared()));
    for (const ClusterDistance& cluster : exact) found += cluster.cluster == ranked.cluster ? 1 : 0;
  }
  return static_cast<double>(found) / static_cast<double>(count);
}

TEST(ClusterRanker, TheFirstRanksAreTheNearest) {
  Random random(2);
  for (const size_t clusters : {20U, 600U}) {
    const auto model = ModelOf(ClusteredRows(6000, 64, 300, random), 64, clusters);
    double agreement = 0;
    for (int i = 0; i < 20; ++i) agreement += Agreement(*model, NormalVector(64, random), 5) / 20;
    EXPECT_GT(agreement, clusters == 20 ? 0.999 : 0.9);
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
      EXPECT_EQ(Agreement(*model, query, 5), 1);
    }
  }
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
