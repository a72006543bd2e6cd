#include "utilities/trend.h"

#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"

namespace viper::utilities {
namespace {

std::vector<TrendPoint> PointsOf(const std::vector<double>& values) {
  std::vector<TrendPoint> points;
  for (const double value : values) points.push_back({static_cast<double>(points.size()), value});
  return points;
}

double NoiseOf(Random& random) {
  return static_cast<double>(random.Next() >> 11) / static_cast<double>(uint64_t{1} << 53);
}

TEST(Trend, M2_FewPointsTellNothing) {
  EXPECT_EQ(FindTrend(PointsOf({1, 2, 3, 4, 5, 6, 7})), std::nullopt);
  EXPECT_EQ(FindTrend(std::vector<TrendPoint>(9, TrendPoint{1, 1})), std::nullopt);
}

TEST(Trend, M2_ALineIsFoundWithItsSlope) {
  std::vector<double> values;
  for (int i = 0; i < 20; ++i) values.push_back(10 + 3 * i);
  values[7] = 1e6;  // one outlier moves neither the slope nor the answer
  const auto line = FindTrend(PointsOf(values));
  ASSERT_TRUE(line.has_value());
  EXPECT_NEAR(line->slope, 3, 0.01);
  EXPECT_NEAR(line->last - line->first, 57, 0.2);
  EXPECT_GT(line->confidence, 0.999);
}

/// By hand: 10 values without ties, all but one pair rising; then two steps of four equal ones.
TEST(Trend, M2_TheConfidenceIsThatOfMannAndKendall) {
  const auto line = FindTrend(PointsOf({1, 2, 3, 4, 6, 5, 7, 8, 9, 10}));
  ASSERT_TRUE(line.has_value());
  // S = 45 - 2 = 43, variance = 10 * 9 * 25 / 18 = 125, z = 42 / 11.1803 = 3.7566, p = 0.000172.
  EXPECT_NEAR(1 - line->confidence, 0.000172, 0.000002);
  // Ties: S = 4 * 4 = 16 of two steps of four, variance = (8*7*21 - 2 * 4*3*13) / 18 = 48.
  const auto tied = FindTrend(PointsOf({1, 1, 1, 1, 2, 2, 2, 2}));
  ASSERT_TRUE(tied.has_value());
  EXPECT_NEAR(1 - tied->confidence, 0.030383, 0.0001);  // z = 15 / 6.9282 = 2.1651
}

TEST(Trend, M2_NoiseIsSeldomTakenForATrend) {
  Random random(7);
  int taken = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<double> values;
    for (int i = 0; i < 30; ++i) values.push_back(NoiseOf(random));
    taken += FindTrend(PointsOf(values))->confidence > 0.95 ? 1 : 0;
  }
  EXPECT_LT(taken, 25);  // 10 are expected
}

TEST(Trend, M2_AStepIsFoundAmongManyPoints) {
  Random random(9);
  std::vector<double> values;
  for (int i = 0; i < 2000; ++i) values.push_back((i < 1000 ? 5 : 10) + NoiseOf(random));
  const auto line = FindTrend(PointsOf(values));
  ASSERT_TRUE(line.has_value());
  EXPECT_GT(line->confidence, 0.9999);
  EXPECT_GT(line->slope, 0);
}

RC_GTEST_PROP(TrendProperty, M2_TurnedRoundItGoesTheOtherWay, (std::vector<int8_t> numbers)) {
  RC_PRE(numbers.size() >= kTrendPointsMin);
  std::vector<double> up(numbers.begin(), numbers.end());
  std::vector<double> down;
  for (const double value : up) down.push_back(-value);
  const auto first = FindTrend(PointsOf(up));
  const auto second = FindTrend(PointsOf(down));
  RC_ASSERT(first.has_value() && second.has_value());
  RC_ASSERT(first->slope == -second->slope);
  RC_ASSERT(first->confidence == second->confidence);
  RC_ASSERT(first->confidence >= 0 && first->confidence <= 1);
}

}  // namespace
}  // namespace viper::utilities
