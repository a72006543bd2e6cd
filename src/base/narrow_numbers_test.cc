#include "viper/narrow_numbers.h"

#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

namespace viper {
namespace {

std::vector<uint16_t> EveryPattern() {
  std::vector<uint16_t> bits(1 << 16);
  std::iota(bits.begin(), bits.end(), uint16_t{0});
  return bits;
}

TEST(NarrowNumbers, EveryHalfIsTheFloatOfItsValue) {
  const std::vector<uint16_t> bits = EveryPattern();
  const std::vector<float> floats = FloatsOfHalf(bits);
  ASSERT_EQ(floats.size(), bits.size());
  for (const uint16_t half : bits) {
    const float value = floats[half];
    EXPECT_EQ(std::signbit(value), half >> 15 == 1);
    const int exponent = (half >> 10) & 0x1F;
    const int fraction = half & 0x3FF;
    if (exponent == 0x1F) {
      EXPECT_EQ(std::isinf(value), fraction == 0);
      EXPECT_EQ(std::isnan(value), fraction != 0);
      continue;
    }
    // As IEEE 754-2008, 3.4 defines it.
    const double magnitude =
        exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    EXPECT_EQ(std::fabs(value), magnitude) << half;
  }
}

TEST(NarrowNumbers, EveryBfloat16IsTheUpperHalfOfItsFloat) {
  const std::vector<uint16_t> bits = EveryPattern();
  const std::vector<float> floats = FloatsOfBfloat16(bits);
  for (const uint16_t half : bits) {
    EXPECT_EQ(std::bit_cast<uint32_t>(floats[half]), static_cast<uint32_t>(half) << 16);
  }
}

TEST(NarrowNumbers, WholeNumbersAreThemselves) {
  EXPECT_EQ(FloatsOfInt8(std::vector<int8_t>{-128, -1, 0, 127}),
            (std::vector<float>{-128, -1, 0, 127}));
  EXPECT_EQ(FloatsOfUint8(std::vector<uint8_t>{0, 1, 128, 255}),
            (std::vector<float>{0, 1, 128, 255}));
  EXPECT_TRUE(FloatsOfInt8({}).empty());
}

}  // namespace
}  // namespace viper
