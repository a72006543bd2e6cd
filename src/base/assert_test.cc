#include "base/assert.h"

#include <gtest/gtest.h>

namespace viper {
namespace {

TEST(Assert, BrokenPromiseStopsAndNamesTheExpressionAndThePlace) {
  EXPECT_DEATH(VIPER_ASSERT(1 + 1 == 3), "1 \\+ 1 == 3.*assert_test.cc");
}

TEST(Assert, KeptPromiseEvaluatesItsConditionOnce) {
  int calls = 0;
  VIPER_ASSERT(++calls == 1);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace viper
