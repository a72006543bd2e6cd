#include "index/clustering.h"

#include <vector>

#include <gtest/gtest.h>

#include "index/clustering_fixture.h"

namespace viper::index {
namespace {

std::vector<uint32_t> Assigned(const Clustering& clustering, const std::vector<float>& rows) {
  std::vector<uint32_t> clusters(rows.size() / clustering.dim());
  clustering.Assign(rows.data(), clusters.size(), clusters.data(), nullptr);
  return clusters;
}

std::vector<uint32_t> AssignedExactly(const Clustering& clustering,
                                      const std::vector<float>& rows) {
  std::vector<uint32_t> clusters(rows.size() / clustering.dim());
  clustering.AssignExactly(rows.data(), clusters.size(), clusters.data(), nullptr);
  return clusters;
}

double SquaredDistance(const float* a, const float* b, size_t dim) {
  double sum = 0;
  for (size_t d = 0; d < dim; ++d) sum += (double{a[d]} - b[d]) * (double{a[d]} - b[d]);
  return sum;
}

TEST(Clustering, ExactAssignmentIsTheNearestCentroid) {
  for (const size_t dim : {1, 2, 17, 96}) {
    for (const size_t count : {1, 5, 300, 700}) {
      SCOPED_TRACE(testing::Message() << "dim=" << dim << " count=" << count);
      const Clustering clustering = MakeClustering(ClusteredRows(count, dim, 40, 1), dim);
      const std::vector<float> rows = ClusteredRows(200, dim, 40, 2);
      std::vector<uint32_t> clusters(200);
      std::vector<float> distances(200);
      clustering.AssignExactly(rows.data(), 200, clusters.data(), distances.data());
      for (size_t r = 0; r < 200; ++r) {
        const float* row = rows.data() + r * dim;
        const double found =
            SquaredDistance(row, clustering.centroids().data() + clusters[r] * dim, dim);
        EXPECT_NEAR(distances[r], found, 1e-5 * found + 1e-9);
        for (size_t c = 0; c < count; ++c) {
          const double other = SquaredDistance(row, clustering.centroids().data() + c * dim, dim);
          ASSERT_LE(found, other + 1e-3 + 1e-5 * other) << "row " << r << " centroid " << c;
        }
      }
    }
  }
}

TEST(Clustering, AssignmentThroughLevelsMostlyAgreesWithTheExactOne) {
  for (const size_t dim : {8, 33, 128}) {
    SCOPED_TRACE(dim);
    const std::vector<float> centroids = ClusteredRows(1500, dim, 200, 3);
    const Clustering clustering = MakeClustering(centroids, dim);
    const std::vector<float> rows = ClusteredRows(10'000, dim, 200, 3);
    const std::vector<uint32_t> fast = Assigned(clustering, rows);
    const std::vector<uint32_t> exact = AssignedExactly(clustering, rows);
    size_t agreed = 0;
    for (size_t r = 0; r < fast.size(); ++r) agreed += fast[r] == exact[r] ? 1 : 0;
    EXPECT_GE(agreed, 9'700);
  }
}

TEST(Clustering, ARowGetsTheSameClusterInEveryGroup) {
  const size_t dim = 24;
  const Clustering clustering = MakeClustering(ClusteredRows(900, dim, 100, 4), dim);
  const std::vector<float> rows = ClusteredRows(500, dim, 100, 5);
  const std::vector<uint32_t> together = Assigned(clustering, rows);
  for (size_t r = 0; r < 500; r += 7) {
    uint32_t alone = 0;
    clustering.Assign(rows.data() + r * dim, 1, &alone, nullptr);
    ASSERT_EQ(alone, together[r]);
  }
}

TEST(Clustering, IsDeterminedByTheCentroids) {
  const size_t dim = 12;
  const std::vector<float> centroids = ClusteredRows(800, dim, 100, 6);
  const std::vector<float> rows = ClusteredRows(3'000, dim, 100, 7);
  const Clustering first = MakeClustering(centroids, dim);
  const Clustering second = MakeClustering(centroids, dim);
  const Clustering copy = first;
  EXPECT_EQ(Assigned(first, rows), Assigned(second, rows));
  EXPECT_EQ(Assigned(first, rows), Assigned(copy, rows));
}

TEST(Clustering, OfEqualCentroidsTheLowestCounts) {
  const size_t dim = 6;
  std::vector<float> centroids = ClusteredRows(400, dim, 400, 8);
  const std::vector<float> once = centroids;
  centroids.insert(centroids.end(), once.begin(), once.end());
  const Clustering clustering = MakeClustering(centroids, dim);
  for (const uint32_t cluster : AssignedExactly(clustering, once)) EXPECT_LT(cluster, 400);
  for (const uint32_t cluster : Assigned(clustering, once)) EXPECT_LT(cluster, 400);
}

TEST(Clustering, EqualCentroidsAndFarOffDataAreFine) {
  const std::vector<float> equal(500 * 3, 7.0F);
  for (const uint32_t cluster : Assigned(MakeClustering(equal, 3), equal)) EXPECT_EQ(cluster, 0);

  // A million units from zero and one unit apart: lost without the origin.
  const size_t dim = 16;
  std::vector<float> centroids = ClusteredRows(600, dim, 600, 9);
  for (float& component : centroids) component += 1e6F;
  const Clustering clustering = MakeClustering(centroids, dim);
  const std::vector<uint32_t> own = AssignedExactly(clustering, centroids);
  for (uint32_t c = 0; c < own.size(); ++c) EXPECT_EQ(own[c], c);
}

}  // namespace
}  // namespace viper::index
