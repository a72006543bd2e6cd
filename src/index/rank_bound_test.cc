#include "index/rank_bound.h"

#include <cfloat>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "index/exact_distance.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

constexpr double kFar = std::numeric_limits<double>::infinity();

struct Pair {
  std::vector<float> row;
  std::vector<float> query;
};

/// Nearly parallel, so that sums cancel; magnitudes from 2^-40 to 2^40.
Pair RandomPair(Random& random, size_t dim) {
  const double scale = std::exp2(static_cast<double>(random.Uniform(81)) - 40);
  const double spread = std::exp2(-static_cast<double>(random.Uniform(24)));
  Pair pair;
  for (size_t i = 0; i < dim; ++i) {
    const double component = (random.UniformDouble() - 0.5) * scale;
    pair.query.push_back(static_cast<float>(component));
    const double moved = component * (1 + spread * (random.UniformDouble() - 0.5));
    pair.row.push_back(static_cast<float>(moved));
  }
  return pair;
}

float RankOf(const kernels::KernelTable& kernel, Metric metric, const Pair& pair) {
  const std::byte* row = std::as_bytes(std::span(pair.row)).data();
  const size_t dim = pair.row.size();
  float rank = 0;
  if (metric == Metric::kL2) {
    kernel.squared_l2(row, 1, dim, pair.query.data(), &rank);
    return rank;
  }
  const double norm = std::sqrt(SquaredNormOf(pair.query.data(), dim));
  std::vector<float> negated;
  for (const float component : pair.query) {
    negated.push_back(static_cast<float>(-component / (metric == Metric::kCosine ? norm : 1)));
  }
  kernel.dot(row, 1, dim, negated.data(), &rank);
  if (metric == Metric::kDot) return rank;
  float squared_norm = 0;
  kernel.squared_norm(row, 1, dim, &squared_norm);
  return rank * (1 / std::sqrt(squared_norm));
}

TEST(RankBound, NoRankIsAboveTheLargestOfItsOwnDistanceAtAnyLevel) {
  Random random(77);
  for (const kernels::KernelTable* kernel : kernels::Available()) {
    for (const Metric metric : {Metric::kCosine, Metric::kL2, Metric::kDot}) {
      for (const size_t dim : {1, 2, 5, 16, 100, 128, 1000}) {
        for (int repetition = 0; repetition < 100; ++repetition) {
          const Pair pair = RandomPair(random, dim);
          const double query_norm = std::sqrt(SquaredNormOf(pair.query.data(), dim));
          const double row_norm = std::sqrt(SquaredNormOf(pair.row.data(), dim));
          const RankBound bound(metric, dim, query_norm, row_norm);
          const double distance = ExactDistance(metric, std::as_bytes(std::span(pair.row)).data(),
                                                pair.query.data(), dim);
          ASSERT_LE(RankOf(*kernel, metric, pair), bound.LargestRankWithin(distance))
              << kernel->name << " " << MetricName(metric) << " dim=" << dim;
        }
      }
    }
  }
}

TEST(RankBound, IsTightEnoughToCutWhatIsClearlyFarther) {
  EXPECT_LT(RankBound(Metric::kL2, 128, 1, 1).LargestRankWithin(1), 1.00001F);
  EXPECT_LT(RankBound(Metric::kDot, 128, 1, 1).LargestRankWithin(-0.5), -0.49999F);
  EXPECT_LT(RankBound(Metric::kCosine, 128, 1, 1).LargestRankWithin(0.5), -0.49999F);
}

TEST(RankBound, CutsNothingWhereFloatsOverflow) {
  EXPECT_EQ(RankBound(Metric::kL2, 4, 1, 1).LargestRankWithin(2e19), INFINITY);
  EXPECT_EQ(RankBound(Metric::kL2, 4, 1, 1).LargestRankWithin(kFar), INFINITY);
  EXPECT_EQ(RankBound(Metric::kCosine, 4, 1, 1).LargestRankWithin(kFar), INFINITY);
  EXPECT_EQ(RankBound(Metric::kDot, 4, 1e20, 1e20).LargestRankWithin(-1), INFINITY);
  EXPECT_EQ(RankBound(Metric::kDot, 4, 0, kFar).LargestRankWithin(-1), INFINITY);
  EXPECT_EQ(RankBound(Metric::kDot, 4, 1, kFar).LargestRankWithin(-1), INFINITY);
}

}  // namespace
}  // namespace viper::index
