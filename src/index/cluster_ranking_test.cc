#include "index/cluster_ranking.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "base/random.h"

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

}  // namespace
}  // namespace viper::index
