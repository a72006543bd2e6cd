#include "utilities/density_partitions.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"
#include "index/clustering_fixture.h"
#include "testing/status_matchers.h"

namespace viper::utilities {
namespace {

/// Each row is in one group.
void ExpectAllRows(const std::vector<RowGroup>& groups, size_t count) {
  std::vector<int> seen(count, 0);
  for (const RowGroup& group : groups) {
    EXPECT_TRUE(std::is_sorted(group.begin(), group.end()));
    for (const uint32_t row : group) ++seen.at(row);
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), static_cast<std::ptrdiff_t>(count));
}

/// The share of rows whose group's rows are mostly of the same kind as they.
double Purity(const std::vector<RowGroup>& groups, const std::vector<int>& kinds) {
  size_t right = 0;
  for (const RowGroup& group : groups) {
    std::map<int, size_t> counts;
    for (const uint32_t row : group) ++counts[kinds[row]];
    size_t most = 0;
    for (const auto& [kind, count] : counts) most = std::max(most, count);
    right += most;
  }
  return static_cast<double>(right) / static_cast<double>(kinds.size());
}

/// A ring about another one: no two centroids part them.
TEST(DensityPartitions, U36_ClustersOfAnyFormAreFoundAndTheirNumber) {
  Random random(3);
  std::vector<float> floats;
  std::vector<int> kinds;
  for (int i = 0; i < 1'500; ++i) {
    const int kind = i % 3 == 0 ? 0 : 1;
    const double angle = 2 * std::numbers::pi * random.UniformDouble();
    const double radius =
        (kind == 0 ? 2.0 : 10.0) + 0.2 * static_cast<double>(index::Normal(random));
    floats.push_back(static_cast<float>(radius * std::cos(angle)));
    floats.push_back(static_cast<float>(radius * std::sin(angle)));
    kinds.push_back(kind);
  }
  const VectorRows rows{floats, 2};
  const auto groups = SplitByDensity(rows, 300, 1);
  ExpectAllRows(groups, rows.count());
  EXPECT_EQ(groups.size(), 2u);
  EXPECT_DOUBLE_EQ(Purity(groups, kinds), 1);
}

TEST(DensityPartitions, U36_BlobsOfUnlikeDensityAreFoundAmongNoise) {
  Random random(5);
  std::vector<float> floats;
  std::vector<int> kinds;
  for (int i = 0; i < 2'000; ++i) {
    const int kind = i % 20 == 0 ? 3 : i % 3;
    const double spread = kind == 0 ? 0.2 : (kind == 1 ? 1 : 2);
    for (int d = 0; d < 4; ++d) {
      const double noise = 80 * random.UniformDouble() - 40;
      const double place =
          (d == kind ? 25.0 : 0.0) + spread * static_cast<double>(index::Normal(random));
      floats.push_back(static_cast<float>(kind == 3 ? noise : place));
    }
    kinds.push_back(kind);
  }
  const VectorRows rows{floats, 4};
  const auto groups = SplitByDensity(rows, 200, 1);
  ExpectAllRows(groups, rows.count());
  EXPECT_EQ(groups.size(), 3u);
  EXPECT_GT(Purity(groups, kinds), 0.94) << "all but the noise, one in twenty";
}

TEST(DensityPartitions, U36_WhatIsBelowTheLeastSizeIsNoClusterOfItsOwn) {
  Random random(9);
  std::vector<float> floats;
  for (int i = 0; i < 6'000; ++i) {
    // One in ten is far from the others.
    floats.push_back(static_cast<float>(i % 10 == 0 ? 50 : 0) + index::Normal(random));
  }
  EXPECT_EQ(SplitByDensity({floats, 1}, 1'000, 1).size(), 1u);
  EXPECT_EQ(SplitByDensity({floats, 1}, 300, 1).size(), 2u);
}

TEST(DensityPartitions, RowsThatAreTheSameOrFewAreOneGroup) {
  const std::vector<float> same(100 * 3, 1.5F);
  EXPECT_EQ(SplitByDensity({same, 3}, 10, 1).size(), 1u);
  for (const size_t count : {1, 2, 3, 9}) {
    const std::vector<float> few(same.begin(),
                                 same.begin() + static_cast<std::ptrdiff_t>(3 * count));
    const auto groups = SplitByDensity({few, 3}, 1, 1);
    ExpectAllRows(groups, count);
  }
  // Many copies of two rows are two clusters.
  std::vector<float> two;
  for (int i = 0; i < 200; ++i) two.push_back(i % 2 == 0 ? 0.0F : 7.0F);
  const auto groups = SplitByDensity({two, 1}, 20, 1);
  ExpectAllRows(groups, 200);
  EXPECT_EQ(groups.size(), 2u);
}

RC_GTEST_PROP(DensityPartitionsProperty, EveryRowIsInOneGroupWhateverItIs, ()) {
  const size_t count = *rc::gen::inRange<size_t>(1, 200);
  std::vector<float> floats;
  for (size_t i = 0; i < 2 * count; ++i) {
    floats.push_back(static_cast<float>(*rc::gen::inRange(-20, 20)));
  }
  const auto groups = SplitByDensity({floats, 2}, *rc::gen::inRange<uint64_t>(1, 50), 7);
  ExpectAllRows(groups, count);
}

}  // namespace
}  // namespace viper::utilities
