#include "index/probe_count.h"

#include <vector>

#include <gtest/gtest.h>

#include "index/index_fixture.h"

namespace viper::index {
namespace {

class CountProbesTest : public testing::Test {
 protected:
  CountProbesTest() {
    Random random(31);
    built_ =
        BuildIndex(ClusteredRows(6000, 16, 40, random), 16, Metric::kL2, 60, ByteRows::kScaled);
    query_floats_ = NormalVector(16, random);
    ranked_ = RankClusters(*built_.model, query_floats_, 60);
  }

  /// Of a query that wants 10, where a row takes part if `takes_part` says so of its cluster's rank
  /// and its number.
  template <typename TakesPart>
  size_t Count(const TakesPart& takes_part) {
    Bitmap selection(built_.count());
    std::vector<size_t> rank_of(60);
    for (size_t rank = 0; rank < ranked_.size(); ++rank) rank_of[ranked_[rank].cluster] = rank;
    for (size_t row = 0; row < built_.count(); ++row) {
      selection.Assign(row, takes_part(rank_of[built_.clusters[row]], row));
    }
    const auto mask = ScanMask::Make(*built_.segment, selection).value();
    ClusterSelection clusters(60);
    clusters.Add(*built_.segment, mask.get());
    std::vector<ClusterDistance> left;
    for (const ClusterDistance& rank : ranked_) {
      if (clusters.Has(rank.cluster)) left.push_back(rank);
    }
    return Count(&clusters, left);
  }

  size_t Count(const ClusterSelection* clusters, std::span<const ClusterDistance> ranked) {
    std::vector<float> distances;
    AppendProbeDistances(*built_.model, query_floats_, ranked, distances);
    ProbeQuery query;
    query.model = Fitted().get();
    query.clusters = clusters;
    query.row_count = built_.count();
    query.ranked = ranked;
    query.squared_distances = distances;
    query.k = 10;
    return CountProbes(query);
  }

  const std::shared_ptr<const Model>& Fitted() {
    if (fitted_ == nullptr) {
      std::vector<uint64_t> queries;
      for (uint64_t i = 0; i < 200; ++i) queries.push_back(i * 30);
      ProbeTraining training;
      training.segment = built_.segment.get();
      training.clusters = built_.clusters;
      training.queries = queries;
      training.floats = [this](uint64_t row) -> Result<const std::byte*> {
        return built_.Row(row);
      };
      fitted_ = FitProbes(built_.model, training).value();
    }
    return fitted_;
  }

  BuiltIndex built_;
  std::vector<float> query_floats_;
  std::vector<ClusterDistance> ranked_;
  std::shared_ptr<const Model> fitted_;
};

TEST_F(CountProbesTest, AsksForMoreClustersTheFewerRowsTakePart) {
  const size_t whole = Count(nullptr, ranked_);
  EXPECT_EQ(Count([](size_t, size_t) { return true; }), whole);
  size_t last = whole;
  for (const size_t one_of : {2, 10, 50}) {
    const size_t probes = Count([&](size_t, size_t row) { return row % one_of == 0; });
    EXPECT_GE(probes, last) << one_of;
    last = probes;
  }
  EXPECT_GT(last, whole);
}

TEST_F(CountProbesTest, GoesByTheRowsNearTheQuery) {
  // A third of all rows, but hardly any near the query; the same share, nearly all of them near.
  const size_t far = Count([](size_t rank, size_t row) { return rank >= 40 || row % 50 == 0; });
  const size_t near = Count([](size_t rank, size_t row) { return rank < 20 || row % 50 == 0; });
  EXPECT_GT(far, near);
}

TEST_F(CountProbesTest, NothingLeftIsNotProbed) {
  EXPECT_EQ(Count([](size_t, size_t) { return false; }), 0U);
  EXPECT_EQ(Count([](size_t rank, size_t) { return rank == 59; }), 1U);
}

}  // namespace
}  // namespace viper::index
