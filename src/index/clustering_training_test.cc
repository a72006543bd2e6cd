#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "base/finite.h"
#include "index/clustering.h"
#include "index/clustering_fixture.h"
#include "index/lloyd.h"

namespace viper::index {
namespace {

Clustering Trained(const std::vector<float>& rows, size_t dim, const ClusteringOptions& options) {
  Result<Clustering> trained = TrainClustering(rows.data(), rows.size() / dim, dim, options);
  EXPECT_TRUE(trained.ok()) << trained.status().ToString();
  return *std::move(trained);
}

/// Mean squared distance to the nearest centroid.
double ObjectiveOf(const Clustering& clustering, const std::vector<float>& rows) {
  const size_t row_count = rows.size() / clustering.dim();
  std::vector<uint32_t> clusters(row_count);
  std::vector<float> distances(row_count);
  clustering.AssignExactly(rows.data(), row_count, clusters.data(), distances.data());
  double sum = 0;
  for (const float distance : distances) sum += distance;
  return sum / static_cast<double>(row_count);
}

TEST(TrainClustering, IsNearlyAsGoodAsPlainKMeans) {
  for (const size_t dim : {6, 40}) {
    SCOPED_TRACE(dim);
    const std::vector<float> rows = ClusteredRows(24'000, dim, 300, 11);
    const Clustering trained = Trained(rows, dim, {.cluster_count = 400, .seed = 1});
    EXPECT_EQ(trained.cluster_count(), 400);
    const LloydResult plain =
        RunLloyd(rows.data(), 24'000, dim, {.cluster_count = 400, .iterations = 10, .seed = 1});
    EXPECT_LE(ObjectiveOf(trained, rows),
              1.03 * ObjectiveOf(MakeClustering(plain.centroids, dim), rows));
  }
}

TEST(TrainClustering, DoesNotDependOnThreads) {
  const size_t dim = 10;
  const std::vector<float> rows = ClusteredRows(30'000, dim, 100, 12);
  const Clustering alone = Trained(rows, dim, {.cluster_count = 500, .seed = 3});
  for (const size_t threads : {2, 5}) {
    ThreadPool pool("train", threads);
    const Clustering together =
        Trained(rows, dim, {.cluster_count = 500, .seed = 3, .pool = &pool});
    EXPECT_TRUE(std::ranges::equal(alone.centroids(), together.centroids()));
  }
  const Clustering again = Trained(rows, dim, {.cluster_count = 500, .seed = 3});
  EXPECT_TRUE(std::ranges::equal(alone.centroids(), again.centroids()));
  const Clustering other = Trained(rows, dim, {.cluster_count = 500, .seed = 4});
  EXPECT_FALSE(std::ranges::equal(alone.centroids(), other.centroids()));
}

TEST(TrainClustering, OneClusterIsTheMean) {
  const std::vector<float> rows = {1, 2, 3, 4, 8, 12};
  const Clustering trained = Trained(rows, 2, {.cluster_count = 1});
  EXPECT_TRUE(std::ranges::equal(trained.centroids(), std::vector<float>{4, 6}));
}

TEST(TrainClustering, FewerRowsThanClusters) {
  for (const size_t row_count : {1, 2, 20, 400}) {
    SCOPED_TRACE(row_count);
    const std::vector<float> rows = ClusteredRows(row_count, 5, row_count, 13);
    const Clustering trained = Trained(rows, 5, {.cluster_count = 1000});
    EXPECT_LE(trained.cluster_count(), row_count);
    EXPECT_EQ(trained.cluster_count(), row_count);
    EXPECT_TRUE(AreFinite(trained.centroids()));
  }
}

TEST(TrainClustering, EqualRowsAreOneCluster) {
  const std::vector<float> rows(3'000 * 7, 0.1F);
  for (const size_t count : {1, 3, 300, 3'000}) {
    SCOPED_TRACE(count);
    const Clustering trained = Trained(rows, 7, {.cluster_count = count});
    EXPECT_EQ(trained.cluster_count(), 1);
    for (const float component : trained.centroids()) EXPECT_EQ(component, 0.1F);
  }
}

TEST(TrainClustering, ManyDuplicatesLeaveNoMoreClustersThanDistinctRows) {
  const std::vector<float> distinct = ClusteredRows(50, 4, 50, 14);
  std::vector<float> rows;
  for (size_t i = 0; i < 200; ++i) rows.insert(rows.end(), distinct.begin(), distinct.end());
  const Clustering trained = Trained(rows, 4, {.cluster_count = 400});
  EXPECT_LE(trained.cluster_count(), 50);
  EXPECT_GE(trained.cluster_count(), 40);

  // Half of the rows are the same one.
  std::vector<float> half = ClusteredRows(20'000, 4, 300, 15);
  for (size_t i = 0; i < half.size() / 2; ++i) half[i] = 1;
  const Clustering skewed = Trained(half, 4, {.cluster_count = 400});
  EXPECT_LE(skewed.cluster_count(), 400);
  EXPECT_GE(skewed.cluster_count(), 300);
  EXPECT_TRUE(AreFinite(skewed.centroids()));
}

TEST(TrainClustering, EveryDimWorks) {
  for (const size_t dim : {1, 2, 3, 15, 16, 17, 100, 1001, 4096}) {
    SCOPED_TRACE(dim);
    const std::vector<float> rows = ClusteredRows(dim < 1'000 ? 1'500 : 500, dim, 100, 16);
    const Clustering trained = Trained(rows, dim, {.cluster_count = 300});
    EXPECT_LE(trained.cluster_count(), 300);
    EXPECT_GE(trained.cluster_count(), 250);
    EXPECT_TRUE(AreFinite(trained.centroids()));
  }
}

TEST(TrainClustering, LargeNumbersAndZerosAreNoTrouble) {
  std::vector<float> rows = ClusteredRows(5'000, 8, 100, 17);
  for (float& component : rows) component *= 1e17F;
  EXPECT_TRUE(AreFinite(Trained(rows, 8, {.cluster_count = 300}).centroids()));
  for (float& component : rows) component *= 1e20F;
  EXPECT_TRUE(AreFinite(Trained(rows, 8, {.cluster_count = 300}).centroids()));
}

TEST(TrainClustering, SizesAreBalancedWithinBounds) {
  const size_t dim = 16;
  // One dense blob and a thin cloud about it.
  std::vector<float> rows = ClusteredRows(40'000, dim, 200, 18);
  for (size_t i = 0; i < rows.size() / 2; ++i) rows[i] *= 0.01F;
  const Clustering trained = Trained(rows, dim, {.cluster_count = 400});
  std::vector<uint32_t> clusters(40'000);
  trained.Assign(rows.data(), 40'000, clusters.data(), nullptr);
  std::vector<size_t> sizes(trained.cluster_count());
  for (const uint32_t cluster : clusters) ++sizes[cluster];
  EXPECT_LE(std::ranges::max(sizes), 6 * 40'000 / trained.cluster_count());
}

TEST(TrainClustering, ProgressRisesToOne) {
  const std::vector<float> rows = ClusteredRows(20'000, 8, 100, 19);
  for (const size_t count : {20, 400}) {
    std::vector<double> shares;
    const auto note = [&](double share) {
      shares.push_back(share);
      return true;
    };
    Trained(rows, 8, {.cluster_count = count, .progress = note});
    ASSERT_GE(shares.size(), 3);
    EXPECT_TRUE(std::ranges::is_sorted(shares));
    EXPECT_GE(shares.front(), 0.0);
    EXPECT_LE(shares.back(), 1.0);
    EXPECT_GE(shares.back(), 0.9);
  }
}

TEST(TrainClustering, CanBeCancelledAtEveryCall) {
  const std::vector<float> rows = ClusteredRows(6'000, 4, 100, 20);
  ThreadPool pool("train", 3);
  for (ThreadPool* const threads : {static_cast<ThreadPool*>(nullptr), &pool}) {
    for (size_t allowed = 0; allowed < 1'000; ++allowed) {
      size_t calls = 0;
      const auto count_down = [&](double) { return calls++ < allowed; };
      const Result<Clustering> trained = TrainClustering(
          rows.data(), 6'000, 4, {.cluster_count = 300, .pool = threads, .progress = count_down});
      if (trained.ok()) {
        EXPECT_GT(allowed, 3);
        break;
      }
      EXPECT_EQ(trained.status().code(), StatusCode::kCancelled);
      EXPECT_EQ(calls, allowed + 1) << "asked again after it said no";
    }
  }
}

TEST(TrainClustering, CanBeCancelledInsideOneLargeGroup) {
  // All rows but a few lie close together, so that one of the groups has nearly all of them.
  const size_t dim = 32;
  std::vector<float> rows = ClusteredRows(60'000, dim, 60'000, 21);
  for (float& component : rows) component *= 1e-3F;
  for (size_t r = 0; r < 100; ++r) rows[r * dim + r % dim] = 100;
  for (const size_t allowed : {size_t{3}, size_t{20}, size_t{60}}) {
    size_t calls = 0;
    const auto count_down = [&](double) { return calls++ < allowed; };
    const Result<Clustering> trained =
        TrainClustering(rows.data(), 60'000, dim, {.cluster_count = 1'000, .progress = count_down});
    ASSERT_FALSE(trained.ok());
    EXPECT_EQ(trained.status().code(), StatusCode::kCancelled);
    EXPECT_EQ(calls, allowed + 1);
  }
}

TEST(TrainClustering, NothingToTrainIsInvalid) {
  const float row = 1;
  EXPECT_EQ(TrainClustering(&row, 0, 1, {.cluster_count = 1}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(TrainClustering(&row, 1, 0, {.cluster_count = 1}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(TrainClustering(&row, 1, 1, {.cluster_count = 0}).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace viper::index
