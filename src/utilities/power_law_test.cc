#include "utilities/power_law.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace viper::utilities {
namespace {

TEST(PowerLaw, M5_ALawIsFoundAndGoesOn) {
  std::vector<PowerLawPoint> points;
  for (int i = 1; i <= 8; ++i) {
    const double rows = 1000.0 * i;
    const double probes = i % 2 == 0 ? 4 : 16;
    points.push_back({rows, probes, 0.02 * std::pow(rows, 0.6) * std::pow(probes, 0.3)});
  }
  const auto law = FitPowerLaw(points);
  ASSERT_TRUE(law.has_value());
  EXPECT_NEAR(law->exponents[0], 0.6, 1e-9);
  EXPECT_NEAR(law->exponents[1], 0.3, 1e-9);
  EXPECT_NEAR(law->At(16'000, 8) / (0.02 * std::pow(16'000, 0.6) * std::pow(8, 0.3)), 1, 1e-9);
  EXPECT_LT(*PastError(points), 1e-6);
}

TEST(PowerLaw, M5_WithoutVariationOrEnoughPointsThereIsNone) {
  std::vector<PowerLawPoint> points(10, PowerLawPoint{100, 1, 5});
  EXPECT_EQ(FitPowerLaw(points), std::nullopt);
  EXPECT_EQ(PastError(points), std::nullopt);
  points.resize(3);
  points[0].x1 = 1000;
  EXPECT_EQ(FitPowerLaw(points), std::nullopt);
  // Numbers that have no logarithm are left out.
  points = {{100, 1, 5}, {200, 1, 0}, {300, 1, 5}, {400, 1, 5}};
  EXPECT_EQ(FitPowerLaw(points), std::nullopt);
}

TEST(PowerLaw, M5_AConstantSecondNumberTakesNoPart) {
  std::vector<PowerLawPoint> points;
  for (int i = 1; i <= 5; ++i) points.push_back({100.0 * i, 7, 3.0 * 100 * i});
  const auto law = FitPowerLaw(points);
  ASSERT_TRUE(law.has_value());
  EXPECT_EQ(law->exponents[1], 0);
  EXPECT_NEAR(law->At(1000, 99), 3000, 1e-6);
}

TEST(PowerLaw, M5_ThePastErrorIsWhatPredictionsWereOffBy) {
  // y = x, and from the fifth point on twice that: predicted half of what comes.
  const std::vector<PowerLawPoint> points = {
      {100, 1, 100}, {200, 1, 200}, {300, 1, 300}, {400, 1, 400}, {500, 1, 1000}};
  EXPECT_NEAR(*PastError(points), 0.5, 1e-9);
}

RC_GTEST_PROP(PowerLawProperty, M5_ScalingWhatWasMeasuredScalesTheLaw, ()) {
  std::vector<PowerLawPoint> points;
  for (int i = 1; i <= 6; ++i) {
    points.push_back({100.0 * i, 1, static_cast<double>(*rc::gen::inRange(1, 1000))});
  }
  const auto law = FitPowerLaw(points);
  for (PowerLawPoint& point : points) point.y *= 10;
  const auto scaled = FitPowerLaw(points);
  RC_ASSERT(law.has_value() && scaled.has_value());
  RC_ASSERT(std::abs(scaled->At(250, 1) / law->At(250, 1) - 10) < 1e-6);
}

}  // namespace
}  // namespace viper::utilities
