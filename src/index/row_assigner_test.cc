#include "index/row_assigner.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "index/clustering_fixture.h"

namespace viper::index {
namespace {

struct Assigned {
  std::vector<uint32_t> fast;
  std::vector<uint32_t> exact;
};

Assigned Assign(const std::vector<float>& centroids, const std::vector<float>& rows, size_t dim) {
  const CentroidList list(centroids, dim);
  const CentroidLevels levels(list);
  RowAssigner assigner(list, levels);
  Assigned assigned;
  assigned.fast.resize(rows.size() / dim);
  assigned.exact.resize(rows.size() / dim);
  assigner.Assign(rows.data(), assigned.fast.size(), assigned.fast.data());
  assigner.AssignExactly(rows.data(), assigned.exact.size(), assigned.exact.data());
  return assigned;
}

TEST(RowAssigner, FewCentroidsAreAllCompared) {
  for (const size_t count : {1, 16, 100, 255}) {
    const Assigned assigned =
        Assign(ClusteredRows(count, 20, 50, 1), ClusteredRows(700, 20, 50, 2), 20);
    EXPECT_EQ(assigned.fast, assigned.exact);
  }
}

TEST(RowAssigner, CentroidsFindThemselves) {
  // More panels than one pass over them takes, and several blocks of rows.
  for (const size_t dim : {16, 128}) {
    const std::vector<float> centroids = ClusteredRows(4'500, dim, 500, 3);
    const Assigned assigned = Assign(centroids, centroids, dim);
    for (uint32_t c = 0; c < 4'500; ++c) {
      ASSERT_EQ(assigned.exact[c], c);
      ASSERT_EQ(assigned.fast[c], c);
    }
  }
}

TEST(RowAssigner, NoRowsAreNoWork) {
  const Assigned assigned = Assign(ClusteredRows(300, 4, 50, 4), {}, 4);
  EXPECT_TRUE(assigned.fast.empty());
}

TEST(RowAssigner, RowsThatAreNotFiniteEndSomewhere) {
  const size_t dim = 5;
  for (const size_t count : {3, 700}) {
    const std::vector<float> centroids = ClusteredRows(count, dim, 100, 5);
    for (const float component :
         {std::numeric_limits<float>::quiet_NaN(), INFINITY, -INFINITY, 3e38F, -3e38F}) {
      std::vector<float> rows = ClusteredRows(50, dim, 100, 6);
      const std::vector<uint32_t> before = Assign(centroids, rows, dim).fast;
      for (size_t i = 0; i < dim; ++i) rows[7 * dim + i] = component;
      rows[9 * dim] = component;
      const Assigned assigned = Assign(centroids, rows, dim);
      for (size_t r = 0; r < 50; ++r) {
        EXPECT_LT(assigned.fast[r], count);
        EXPECT_LT(assigned.exact[r], count);
        EXPECT_TRUE(r == 7 || r == 9 || assigned.fast[r] == before[r]);
      }
    }
  }
}

}  // namespace
}  // namespace viper::index
