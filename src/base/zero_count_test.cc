#include "base/zero_count.h"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace viper {
namespace {

TEST(ZeroCount, OnlyTheBitsOfZeroCount) {
  const std::vector<float> floats = {0.0F, -0.0F, 1.0F, 0.0F,
                                     std::numeric_limits<float>::denorm_min()};
  EXPECT_EQ(CountZeros(std::as_bytes(std::span(floats))), 2U);
  EXPECT_TRUE(IsZero(0.0F));
  EXPECT_FALSE(IsZero(-0.0F));
}

TEST(ZeroCount, FloatsMayBeginAtAnyByte) {
  std::vector<std::byte> bytes(41, std::byte{0});
  bytes[40] = std::byte{1};
  EXPECT_EQ(CountZeros(std::span(bytes).subspan(1)), 9U);
  EXPECT_EQ(CountZeros({}), 0U);
}

TEST(ZeroCount, AVectorIsSparseAboveTheThresholdOnly) {
  EXPECT_FALSE(IsSparse(50, 100, 0.5));
  EXPECT_TRUE(IsSparse(51, 100, 0.5));
  EXPECT_FALSE(IsSparse(0, 100, 0));
  EXPECT_TRUE(IsSparse(1, 100, 0));
  EXPECT_FALSE(IsSparse(100, 100, 1));
}

}  // namespace
}  // namespace viper
