#include "index/smallest_picker.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <gtest/gtest.h>

#include "base/random.h"

namespace viper::index {
namespace {

TEST(SmallestPicker, PicksTheSmallestAndNotManyMore) {
  Random random(1);
  SmallestPicker picker;
  for (int round = 0; round < 500; ++round) {
    std::vector<float> values(64 * (1 + random.Uniform(50)),
                              std::numeric_limits<float>::infinity());
    const size_t finite = 1 + random.Uniform(values.size());
    for (size_t i = 0; i < finite; ++i) {
      const double draw = static_cast<double>(random.Uniform(1'000'000)) / 1000;
      values[i] = static_cast<float>(round % 2 == 0 ? draw - 500 : std::exp(draw / 50));
    }
    const size_t wanted = 1 + random.Uniform(200);
    const float limit = picker.Pick(values, wanted);
    size_t taken = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      const bool is_taken = ((picker.masks()[i / 64] >> (i % 64)) & 1) != 0;
      taken += is_taken ? 1 : 0;
      EXPECT_EQ(is_taken, i < finite && values[i] <= limit);
    }
    EXPECT_GE(taken, std::min(wanted, finite));
    if (wanted * 4 < finite) {
      EXPECT_LE(taken, 3 * wanted + 20) << "of " << finite;
    }
  }
}

TEST(SmallestPicker, TakesAllOfEqualValues) {
  SmallestPicker picker;
  const std::vector<float> values(640, 3.0F);
  picker.Pick(values, 5);
  for (const uint64_t mask : picker.masks()) EXPECT_EQ(mask, ~uint64_t{0});
}

TEST(SmallestPicker, MinusInfinitiesAreTheSmallest) {
  std::vector<float> values(640, 3.0F);
  for (size_t i = 0; i < values.size(); i += 8) values[i] = -std::numeric_limits<float>::infinity();
  SmallestPicker picker;
  for (const size_t count : {1U, 10U, 79U, 90U}) {
    picker.Pick(values, count);
    for (const uint64_t mask : picker.masks())
      EXPECT_EQ(mask & 0x0101010101010101, 0x0101010101010101);
  }
}

}  // namespace
}  // namespace viper::index
