#include "index/threshold.h"

#include <algorithm>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

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

TEST(Threshold, HoldsTheSmallestOfManyForAnyK) {
  Random random(1);
  for (const size_t k : {1U, 2U, 10U, 63U, 64U, 65U, 300U}) {
    for (const float limit : {std::numeric_limits<float>::infinity(), 0.5F}) {
      Threshold threshold;
      threshold.Reset(k, limit);
      std::vector<float> below;
      for (int i = 0; i < 2000; ++i) {
        const auto value = static_cast<float>(static_cast<double>(random.Uniform(1000)) / 1000);
        threshold.Offer(value);
        if (value < limit) below.push_back(value);
        std::sort(below.begin(), below.end());
        ASSERT_EQ(threshold.value(), below.size() < k ? limit : below[k - 1]) << k << " " << i;
      }
    }
  }
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
