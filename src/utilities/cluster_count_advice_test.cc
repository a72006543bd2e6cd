#include "utilities/cluster_count_advice.h"

#include <gtest/gtest.h>

#include "index/clustering_fixture.h"
#include "testing/status_matchers.h"

namespace viper::utilities {
namespace {

/// Rows in so many groups that are far from each other.
std::vector<float> Groups(size_t groups, size_t rows, size_t dim) {
  Random random(3);
  std::vector<float> centres(groups * dim);
  for (float& component : centres) component = 50 * index::Normal(random);
  std::vector<float> floats;
  for (size_t row = 0; row < rows; ++row) {
    for (size_t d = 0; d < dim; ++d) {
      floats.push_back(centres[(row % groups) * dim + d] + index::Normal(random));
    }
  }
  return floats;
}

ClusterCountAdvice AdviseOn(const std::vector<float>& floats, size_t dim,
                            std::optional<uint64_t> current = {}) {
  auto advice = TryClusterCounts(
      {floats, dim}, {.rows = floats.size() / dim, .recall = 0.95, .current_clusters = current});
  EXPECT_OK(advice);
  return advice.ok() ? *advice : ClusterCountAdvice{};
}

TEST(ClusterCountAdvice, O2_TenAndTwoHundredGroupsGetDifferentAdvice) {
  const auto few = AdviseOn(Groups(10, 6'000, 32), 32, 200);
  const auto many = AdviseOn(Groups(200, 6'000, 32), 32, 10);
  ASSERT_TRUE(few.recommended_clusters && many.recommended_clusters);
  EXPECT_LT(*few.recommended_clusters, *many.recommended_clusters);
  EXPECT_GT(*many.recommended_clusters, 50u);
  // What is recommended costs less than what there is.
  ASSERT_TRUE(many.current_cost.has_value());
  EXPECT_LT(*many.recommended_cost, *many.current_cost / 2);
  EXPECT_LE(*few.recommended_cost, *few.current_cost);
}

TEST(ClusterCountAdvice, O2_CostsAreThoseOfTheDefinition) {
  const auto advice = AdviseOn(Groups(20, 4'000, 4), 4);
  EXPECT_EQ(advice.queries, 100u);
  EXPECT_EQ(advice.current_cost, std::nullopt);
  ASSERT_GE(advice.trials.size(), 8u);
  double least = 1e300;
  for (const ClusterCountTrial& trial : advice.trials) {
    EXPECT_DOUBLE_EQ(trial.cost, static_cast<double>(trial.clusters) + trial.scanned_share * 4'000);
    EXPECT_GE(trial.probes, 1);
    EXPECT_LE(trial.scanned_share, 1);
    least = std::min(least, trial.cost);
  }
  EXPECT_EQ(advice.recommended_cost, least);
}

TEST(ClusterCountAdvice, O2_FewRowsGetNoAdvice) {
  const auto advice = AdviseOn(Groups(2, 50, 4), 4, 5);
  EXPECT_EQ(advice.recommended_clusters, std::nullopt);
  EXPECT_TRUE(advice.trials.empty());
}

}  // namespace
}  // namespace viper::utilities
