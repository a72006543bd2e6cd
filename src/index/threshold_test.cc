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

TEST(Threshold, IsALimitUntilThereAreKBelowIt) {
  Threshold threshold;
  threshold.Reset(2, 7);
  EXPECT_EQ(threshold.value(), 7);
  threshold.Offer(8);
  threshold.Offer(7);
  threshold.Offer(3);
  EXPECT_EQ(threshold.value(), 7);
  threshold.Offer(5);
  EXPECT_EQ(threshold.value(), 5);
}

TEST(Threshold, OfTwoMergedIsThatOfAllTheirValues) {
  Threshold threshold;
  threshold.Reset(3);
  for (const float upper : {1.0F, 8.0F, 9.0F}) threshold.Offer(upper);
  Threshold share;
  share.Reset(3, threshold.value());
  for (const float upper : {7.0F, 2.0F, 10.0F}) share.Offer(upper);
  threshold.Merge(share);
  EXPECT_EQ(threshold.value(), 7);
}

}  // namespace
}  // namespace viper::index
