#include "index/probe_count.h"

#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "index/index_fixture.h"
#include "index/probe_curve.h"

namespace viper::index {
namespace {

class CountProbesTest : public testing::Test {
 protected:
  CountProbesTest() : CountProbesTest(40) {}
  explicit CountProbesTest(size_t centres) {
    built_ = BuildIndex(ClusteredRows(6000, 16, centres, random_), 16, Metric::kL2, 60,
                        ByteRows::kScaled);
    DrawQuery();
  }

  void DrawQuery() {
    query_floats_ = NormalVector(16, random_);
    ranked_ = RankClusters(*built_.model, query_floats_, 60);
  }

  /// The clusters that are left, nearest first, where a row takes part if `takes_part` says so of
  /// its cluster's rank and its number.
  struct Left {
    ClusterSelection clusters{60};
    std::vector<ClusterDistance> ranked;
  };
  template <typename TakesPart>
  Left Select(const TakesPart& takes_part) {
    Bitmap selection(built_.count());
    std::vector<size_t> rank_of(60);
    for (size_t rank = 0; rank < ranked_.size(); ++rank) rank_of[ranked_[rank].cluster] = rank;
    for (size_t row = 0; row < built_.count(); ++row) {
      selection.Assign(row, takes_part(rank_of[built_.clusters[row]], row));
    }
    const auto mask = ScanMask::Make(*built_.segment, selection).value();
    Left left;
    left.clusters.Add(*built_.segment, mask.get());
    for (const ClusterDistance& rank : ranked_) {
      if (left.clusters.Has(rank.cluster)) left.ranked.push_back(rank);
    }
    return left;
  }

  /// Of a query that wants 10.
  template <typename TakesPart>
  size_t Count(const TakesPart& takes_part) {
    const Left left = Select(takes_part);
    return Count(&left.clusters, left.ranked);
  }

  /// What the curves say of a query that wants the nearest `k` of all rows, where the same take
  /// part.
  template <typename TakesPart>
  size_t ProbesForNearest(const TakesPart& takes_part, double k) {
    const Left left = Select(takes_part);
    std::vector<float> distances;
    AppendProbeDistances(*built_.model, query_floats_, left.ranked, distances);
    std::vector<float> shares;
    for (const ClusterDistance& rank : left.ranked) {
      shares.push_back(static_cast<float>(left.clusters.SelectedIn(rank.cluster)) /
                       static_cast<float>(left.clusters.RowsIn(rank.cluster)));
    }
    // A filtered search allows itself four fifths of the misses.
    const ProbeGoal goal = {0.96, left.clusters.count(), static_cast<double>(built_.count())};
    return ProbeCounter(Fitted()->content().probes, distances, shares, goal).ProbesFor(k);
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
      training.floats = [this](uint64_t row) -> Result<HeldFloats> { return built_.Row(row); };
      fitted_ = FitProbes(built_.model, training).value();
    }
    return fitted_;
  }

  Random random_{31};
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

/// Rows around one middle, whose nearest lie in many clusters: the more, the more are wanted.
class CountProbesOfSpreadRowsTest : public CountProbesTest {
 protected:
  CountProbesOfSpreadRowsTest() : CountProbesTest(1) {}

  /// On the mean of many queries the clusters that are counted are those in which the curves expect
  /// as many of all rows as hold those wanted, by the share that takes part in just these clusters.
  /// The share of all rows would ask for `difference` more (fewer, if it is below 0) at least, or
  /// this would tell nothing.
  template <typename TakesPart>
  void ExpectByShareReached(const TakesPart& takes_part, double difference) {
    constexpr int kQueries = 20;
    double counted = 0;
    double by_share_reached = 0;
    double by_share_of_all = 0;
    for (int i = 0; i < kQueries; ++i) {
      DrawQuery();
      const Left left = Select(takes_part);
      const size_t count = Count(takes_part);
      // Ten, and their root more for chance.
      const double wanted = 10 + std::sqrt(10);
      counted += static_cast<double>(count) / kQueries;
      by_share_reached += Probes(takes_part, wanted / ShareIn(left, count)) / kQueries;
      by_share_of_all += Probes(takes_part, wanted / left.clusters.selected_share()) / kQueries;
    }
    EXPECT_NEAR(counted, by_share_reached, 0.05 * by_share_reached);
    EXPECT_GT((by_share_of_all - counted) / difference, 1);
  }

 private:
  template <typename TakesPart>
  double Probes(const TakesPart& takes_part, double k) {
    return static_cast<double>(ProbesForNearest(takes_part, k));
  }

  static double ShareIn(const Left& left, size_t count) {
    uint64_t rows = 0;
    uint64_t selected = 0;
    for (const ClusterDistance& rank : std::span(left.ranked).first(count)) {
      rows += left.clusters.RowsIn(rank.cluster);
      selected += left.clusters.SelectedIn(rank.cluster);
    }
    return static_cast<double>(selected) / static_cast<double>(rows);
  }
};

TEST_F(CountProbesOfSpreadRowsTest, GoesAsFarAsTheShareOfTheRowsThatItReachesAsksFor) {
  // The share of all rows would lead too far where more take part near the query, and not far
  // enough where fewer do.
  ExpectByShareReached([](size_t rank, size_t row) { return rank < 8 || row % 20 == 0; }, 3);
  ExpectByShareReached(
      [](size_t rank, size_t row) { return rank < 2 || rank >= 35 || row % 20 == 0; }, -0.5);
}

TEST_F(CountProbesTest, NothingLeftIsNotProbed) {
  EXPECT_EQ(Count([](size_t, size_t) { return false; }), 0U);
  EXPECT_EQ(Count([](size_t rank, size_t) { return rank == 59; }), 1U);
}

}  // namespace
}  // namespace viper::index
