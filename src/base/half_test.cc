#include "base/half.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/random.h"

namespace viper {
namespace {

TEST(Half, KnowsItsNumbers) {
  EXPECT_EQ(HalfToFloat(0x0000), 0.0F);
  EXPECT_EQ(HalfToFloat(0x3C00), 1.0F);
  EXPECT_EQ(HalfToFloat(0xC000), -2.0F);
  EXPECT_EQ(HalfToFloat(0x7BFF), 65504.0F);
  EXPECT_EQ(HalfToFloat(0x0001), 0x1p-24F);
  EXPECT_EQ(HalfToFloat(0x7C00), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(HalfToFloat(0x7C01)));
}

TEST(Half, EveryHalfIsItsOwnFloor) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = HalfToFloat(half);
    if (!std::isfinite(value)) continue;
    EXPECT_EQ(HalfToFloat(HalfNotAbove(value)), value) << bits;
  }
}

TEST(Half, TheFloorIsTheLargestNotAbove) {
  Random random(1);
  for (int i = 0; i < 200'000; ++i) {
    const double exponent = static_cast<double>(random.Uniform(4200)) / 100 - 26;
    float value = static_cast<float>(std::exp2(exponent));
    if (random.Uniform(2) == 0) value = -value;
    const uint16_t half = HalfNotAbove(value);
    const float floor = HalfToFloat(half);
    ASSERT_LE(floor, value);
    if (value >= 65504.0F || value < -65504.0F) continue;
    // The next half above is above the value.
    const uint16_t next =
        value >= 0 ? static_cast<uint16_t>(half + 1) : static_cast<uint16_t>(half - 1);
    if (floor != 0 || value >= 0) {
      ASSERT_GT(HalfToFloat(next), value) << value;
    }
  }
}

TEST(Half, TooLargeEndsAtTheLargestOrMinusInfinity) {
  EXPECT_EQ(HalfToFloat(HalfNotAbove(1e9F)), 65504.0F);
  EXPECT_EQ(HalfToFloat(HalfNotAbove(-1e9F)), -std::numeric_limits<float>::infinity());
}

}  // namespace
}  // namespace viper
