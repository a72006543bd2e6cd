#include "index/exact_distance.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include <gtest/gtest.h>

namespace viper::index {
namespace {

constexpr double kFar = std::numeric_limits<double>::infinity();

double Between(Metric metric, const std::vector<float>& row, const std::vector<float>& query) {
  return ExactDistance(metric, std::as_bytes(std::span(row)).data(), query.data(), row.size());
}

TEST(ExactDistance, FollowsTheDefinitionOfEachMetric) {
  const std::vector<float> row = {1, 2, 3, 4, 5};
  const std::vector<float> query = {5, -1, 2, 0.5, 2};
  EXPECT_DOUBLE_EQ(Between(Metric::kL2, row, query), std::sqrt(16 + 9 + 1 + 12.25 + 9));
  EXPECT_DOUBLE_EQ(Between(Metric::kDot, row, query), -21);
  EXPECT_DOUBLE_EQ(Between(Metric::kCosine, row, query), 1 - 21 / std::sqrt(55 * 34.25));
}

TEST(ExactDistance, ReadsRowsAtAnyAddress) {
  const std::vector<float> row = {1, -2, 3, 4, 7, 9, 11};
  const std::vector<float> query = {2, 3, 5, 7, 11, 13, 17};
  std::vector<std::byte> bytes(row.size() * sizeof(float) + 4);
  for (size_t offset = 0; offset < 4; ++offset) {
    std::memcpy(bytes.data() + offset, row.data(), row.size() * sizeof(float));
    for (const Metric metric : {Metric::kCosine, Metric::kL2, Metric::kDot}) {
      EXPECT_EQ(ExactDistance(metric, bytes.data() + offset, query.data(), row.size()),
                Between(metric, row, query));
    }
  }
}

TEST(ExactDistance, ARowThatEqualsTheQueryIsAtDistanceZeroWithoutASign) {
  for (const float scale : {1e-42F, 1e-20F, 0.3F, 1e30F}) {
    std::vector<float> row;
    for (int i = 1; i <= 13; ++i) row.push_back(static_cast<float>(i) * scale);
    for (const Metric metric : {Metric::kCosine, Metric::kL2}) {
      const double distance = Between(metric, row, row);
      EXPECT_EQ(distance, 0) << scale;
      EXPECT_FALSE(std::signbit(distance)) << scale;
    }
  }
}

TEST(ExactDistance, AZeroVectorHasCosineZeroWithEverything) {
  const std::vector<float> zero = {0, 0, 0};
  const std::vector<float> other = {1, 2, 3};
  EXPECT_EQ(Between(Metric::kCosine, zero, other), 1);
  EXPECT_EQ(Between(Metric::kCosine, other, zero), 1);
  EXPECT_EQ(Between(Metric::kCosine, zero, zero), 1);
}

TEST(ExactDistance, NeitherHugeNorTinyComponentsOverflowOrVanish) {
  EXPECT_DOUBLE_EQ(Between(Metric::kL2, {3e38F}, {-3e38F}), double{3e38F} * 2);
  EXPECT_DOUBLE_EQ(Between(Metric::kDot, {3e38F}, {3e38F}), -double{3e38F} * 3e38F);
  EXPECT_NEAR(Between(Metric::kCosine, {3e38F, 0}, {3e38F, 3e38F}), 1 - std::sqrt(0.5), 1e-15);
  EXPECT_NEAR(Between(Metric::kCosine, {1e-45F, 0}, {1e-45F, 1e-45F}), 1 - std::sqrt(0.5), 1e-15);
}

TEST(ExactDistance, RowsThatAreNotFiniteAreInfinitelyFar) {
  for (const float bad : {INFINITY, -INFINITY, NAN}) {
    for (const Metric metric : {Metric::kCosine, Metric::kL2, Metric::kDot}) {
      EXPECT_EQ(Between(metric, {1, bad, 2}, {1, 1, 1}), kFar) << bad;
      EXPECT_EQ(Between(metric, {1, bad, bad}, {0, 0, 0}), kFar) << bad;
    }
  }
}

TEST(ExactDistance, CosinesOfParallelRowsStayInRange) {
  for (int i = 1; i < 200; ++i) {
    const std::vector<float> row = {0.1F * static_cast<float>(i), 0.7F, 0.3F};
    const std::vector<float> query = {row[0] * 3, row[1] * 3, row[2] * 3};
    EXPECT_GE(Between(Metric::kCosine, row, query), 0);
    EXPECT_NEAR(Between(Metric::kCosine, row, query), 0, 1e-13);
  }
}

TEST(ScoreOf, IsBiggerForNearerRowsAndNeverANegativeZero) {
  EXPECT_EQ(ScoreOf(Metric::kCosine, 0.25), 0.75);
  EXPECT_EQ(ScoreOf(Metric::kL2, 3), -3);
  EXPECT_EQ(ScoreOf(Metric::kDot, -21), 21);
  for (const Metric metric : {Metric::kL2, Metric::kDot}) {
    EXPECT_FALSE(std::signbit(ScoreOf(metric, 0)));
    EXPECT_FALSE(std::signbit(Between(metric, {0, 0}, {0, 0})));
  }
  EXPECT_EQ(ScoreOf(Metric::kCosine, kFar), -kFar);
}

}  // namespace
}  // namespace viper::index
