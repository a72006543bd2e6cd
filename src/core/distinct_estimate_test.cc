#include "core/distinct_estimate.h"

#include <string>

#include <gtest/gtest.h>

#include "base/hash.h"

namespace viper::core {
namespace {

uint64_t HashOfNumber(uint64_t number) { return Hash64(std::to_string(number)); }

TEST(DistinctEstimate, FewValuesAreCountedExactlyHoweverOftenTheyCome) {
  DistinctEstimate estimate;
  for (int round = 0; round < 10; ++round) {
    for (uint64_t i = 0; i < 200; ++i) estimate.Add(HashOfNumber(i));
  }
  EXPECT_TRUE(estimate.is_exact());
  EXPECT_EQ(estimate.count(), 200u);
}

TEST(DistinctEstimate, NoneIsNone) { EXPECT_EQ(DistinctEstimate().count(), 0u); }

TEST(DistinctEstimate, ManyAreWithinFifteenPercent) {
  for (const uint64_t many : {300ULL, 5'000ULL, 200'000ULL}) {
    DistinctEstimate estimate;
    for (uint64_t i = 0; i < many; ++i) estimate.Add(HashOfNumber(i));
    for (uint64_t i = 0; i < many; i += 3) estimate.Add(HashOfNumber(i));
    EXPECT_FALSE(estimate.is_exact());
    const auto expected = static_cast<double>(many);
    EXPECT_NEAR(static_cast<double>(estimate.count()), expected, 0.15 * expected);
  }
}

}  // namespace
}  // namespace viper::core
