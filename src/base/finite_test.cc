#include "base/finite.h"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace viper {
namespace {

TEST(Finite, FindsTheFirstOfAnyKindAtAnyPlace) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float bad : {kInfinity, -kInfinity, std::nanf(""), -std::nanf("")}) {
    for (size_t place = 0; place < 37; ++place) {
      std::vector<float> floats(37, std::numeric_limits<float>::max());
      floats[place] = bad;
      floats.back() = bad;
      EXPECT_FALSE(AreFinite(floats));
      EXPECT_EQ(FindNotFinite(floats), place);
    }
  }
}

TEST(Finite, TheLargestAndTheSmallestNumbersAre) {
  const std::vector<float> floats = {std::numeric_limits<float>::max(),
                                     std::numeric_limits<float>::lowest(),
                                     std::numeric_limits<float>::denorm_min(), -0.0F};
  EXPECT_TRUE(AreFinite(floats));
  EXPECT_EQ(FindNotFinite(floats), std::nullopt);
  EXPECT_TRUE(AreFinite({}));
}

}  // namespace
}  // namespace viper
