#include "index/threshold.h"

#include <gtest/gtest.h>

namespace viper::index {
namespace {

TEST(Threshold, IsTheLargestOfTheKSmallest) {
  Threshold threshold;
  threshold.Reset(3);
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(threshold.value(), infinity);
  threshold.Offer(5);
  threshold.Offer(1);
  EXPECT_EQ(threshold.value(), infinity) << "fewer than k";
  threshold.Offer(9);
  EXPECT_EQ(threshold.value(), 9);
  threshold.Offer(10);
  EXPECT_EQ(threshold.value(), 9);
  threshold.Offer(4);
  EXPECT_EQ(threshold.value(), 5);
  threshold.Offer(4);
  EXPECT_EQ(threshold.value(), 4);
  threshold.Reset(1);
  EXPECT_EQ(threshold.value(), infinity);
}

}  // namespace
}  // namespace viper::index
