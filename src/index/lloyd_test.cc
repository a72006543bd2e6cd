#include "index/lloyd.h"

#include <algorithm>
#include <limits>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "index/clustering_fixture.h"

namespace viper::index {
namespace {

double SquaredDistance(const float* a, const float* b, size_t dim) {
  double sum = 0;
  for (size_t d = 0; d < dim; ++d) sum += (double{a[d]} - b[d]) * (double{a[d]} - b[d]);
  return sum;
}

/// Mean squared distance to the nearest centroid.
double ObjectiveOf(const std::vector<float>& centroids, const std::vector<float>& rows,
                   size_t dim) {
  double sum = 0;
  for (size_t r = 0; r < rows.size(); r += dim) {
    double nearest = std::numeric_limits<double>::infinity();
    for (size_t c = 0; c < centroids.size(); c += dim) {
      nearest = std::min(nearest, SquaredDistance(rows.data() + r, centroids.data() + c, dim));
    }
    sum += nearest;
  }
  return sum / static_cast<double>(rows.size() / dim);
}

TEST(Lloyd, CentroidsAreTheMeansOfTheirRows) {
  const size_t dim = 7;
  const std::vector<float> rows = ClusteredRows(500, dim, 20, 1);
  const LloydResult result =
      RunLloyd(rows.data(), 500, dim, {.cluster_count = 12, .iterations = 5, .seed = 2});
  for (uint32_t c = 0; c < 12; ++c) {
    std::vector<double> sums(dim);
    size_t size = 0;
    for (size_t r = 0; r < 500; ++r) {
      if (result.clusters[r] != c) continue;
      ++size;
      for (size_t d = 0; d < dim; ++d) sums[d] += rows[r * dim + d];
    }
    ASSERT_GT(size, 0);
    for (size_t d = 0; d < dim; ++d) {
      EXPECT_FLOAT_EQ(result.centroids[c * dim + d],
                      static_cast<float>(sums[d] / static_cast<double>(size)));
    }
  }
}

TEST(Lloyd, NoIterationMakesItWorse) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(seed);
    const std::vector<float> rows = ClusteredRows(300, 3, 15, seed);
    double before = std::numeric_limits<double>::infinity();
    for (size_t iterations = 0; iterations < 6; ++iterations) {
      const LloydResult result = RunLloyd(
          rows.data(), 300, 3, {.cluster_count = 10, .iterations = iterations, .seed = seed});
      const double objective = ObjectiveOf(result.centroids, rows, 3);
      EXPECT_LE(objective, before * (1 + 1e-6));
      before = objective;
    }
  }
}

TEST(Lloyd, AsManyClustersAsRowsAreTheRows) {
  const std::vector<float> rows = ClusteredRows(40, 4, 40, 3);
  const LloydResult result = RunLloyd(rows.data(), 40, 4, {.cluster_count = 40, .seed = 1});
  EXPECT_EQ(result.centroids, rows);
  EXPECT_EQ(std::set(result.clusters.begin(), result.clusters.end()).size(), 40);
}

TEST(Lloyd, EmptyClustersTakeAPartOfTheLargest) {
  // All random beginnings but one may fall on the copies of one row.
  std::vector<float> rows(200, 5.0F);
  for (size_t i = 0; i < 40; ++i) rows.push_back(-5.0F - static_cast<float>(i));
  const LloydResult result =
      RunLloyd(rows.data(), rows.size(), 1, {.cluster_count = 8, .iterations = 20, .seed = 1});
  const std::set<uint32_t> used(result.clusters.begin(), result.clusters.end());
  EXPECT_GE(used.size(), 3);
}

/// How often a run asks whether to go on, if it may `allowed` times.
size_t QuestionsOf(const std::vector<float>& rows, size_t dim, LloydOptions options,
                   size_t allowed) {
  size_t questions = 0;
  options.going = [&] { return ++questions <= allowed; };
  RunLloyd(rows.data(), rows.size() / dim, dim, options);
  return questions;
}

TEST(Lloyd, StopsInTheMiddleOfAnIteration) {
  // Rows without clusters go on changing theirs; an iteration is about four questions long.
  const std::vector<float> rows = ClusteredRows(9'000, 64, 9'000, 5);
  const LloydOptions options = {.cluster_count = 512, .iterations = 3, .seed = 1};
  const size_t all = QuestionsOf(rows, 64, options, 1'000);
  EXPECT_GE(all, 12);
  for (const size_t allowed : {size_t{0}, size_t{2}, all - 1}) {
    EXPECT_EQ(QuestionsOf(rows, 64, options, allowed), allowed + 1);
  }
}

TEST(Lloyd, EndsWhenNoRowChangesItsCluster) {
  const std::vector<float> equal(9'000 * 64);  // about their mean
  const size_t two_iterations =
      QuestionsOf(equal, 64, {.cluster_count = 512, .iterations = 2, .seed = 1}, 1'000);
  EXPECT_GT(two_iterations, 4);
  EXPECT_EQ(QuestionsOf(equal, 64, {.cluster_count = 512, .iterations = 50, .seed = 1}, 1'000),
            two_iterations);

  const std::vector<float> rows = ClusteredRows(500, 7, 20, 1);
  const LloydResult done =
      RunLloyd(rows.data(), 500, 7, {.cluster_count = 12, .iterations = 1'000, .seed = 2});
  const LloydResult longer =
      RunLloyd(rows.data(), 500, 7, {.cluster_count = 12, .iterations = 1'001, .seed = 2});
  EXPECT_EQ(done.centroids, longer.centroids);
  EXPECT_EQ(done.clusters, longer.clusters);
}

TEST(Lloyd, NumbersAreDrawnOnceEach) {
  for (const size_t count : {0, 1, 50, 99, 100}) {
    const std::vector<uint32_t> numbers = DrawNumbers(count, 100, 9);
    EXPECT_EQ(numbers.size(), count);
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
    EXPECT_EQ(std::set(numbers.begin(), numbers.end()).size(), count);
    EXPECT_TRUE(numbers.empty() || numbers.back() < 100);
  }
  EXPECT_EQ(DrawNumbers(10, 1'000, 1), DrawNumbers(10, 1'000, 1));
  EXPECT_NE(DrawNumbers(10, 1'000, 1), DrawNumbers(10, 1'000, 2));
}

}  // namespace
}  // namespace viper::index
