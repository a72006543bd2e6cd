#include "core/norm_bound.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace viper::core {
namespace {

double BoundOf(const std::vector<float>& rows, size_t dim) {
  return NormBound(reinterpret_cast<const std::byte*>(rows.data()), rows.size() / dim, dim);
}

TEST(NormBound, IsTheLargestNormToAPercent) {
  EXPECT_GE(BoundOf({1, 1, 3, 4, 0, 0}, 2), 5.0);
  EXPECT_LE(BoundOf({1, 1, 3, 4, 0, 0}, 2), 5.1);
  EXPECT_EQ(NormBound(nullptr, 0, 2), 0);
}

TEST(NormBound, SurvivesSquaresThatOverflowOrVanish) {
  const float huge = std::numeric_limits<float>::max();
  EXPECT_GE(BoundOf({huge, huge, 1, 1}, 2), std::sqrt(2.0) * double{huge});
  EXPECT_TRUE(std::isfinite(BoundOf({huge, -huge}, 2)));
  EXPECT_GE(BoundOf({1e-30f, 1e-30f}, 2), std::sqrt(2.0) * 1e-30);
}

}  // namespace
}  // namespace viper::core
