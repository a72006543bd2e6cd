#include "columnar/value_compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"

namespace viper::columnar {
namespace {

constexpr int64_t kTwoTo53 = int64_t{1} << 53;
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(ValueCompare, ComparesIntegersWithFloatsByTheirTrueValue) {
  EXPECT_TRUE(CompareExactly(1, 1.0) == 0);
  EXPECT_TRUE(CompareExactly(1, 1.5) < 0);
  EXPECT_TRUE(CompareExactly(-1, -1.5) > 0);
  EXPECT_TRUE(CompareExactly(0, -0.0) == 0);
  // As floats these would be equal.
  EXPECT_TRUE(CompareExactly(kTwoTo53 + 1, 0x1p53) > 0);
  EXPECT_TRUE(CompareExactly(kMax, 0x1p63) < 0);
  EXPECT_TRUE(CompareExactly(kMin, -0x1p63) == 0);
  EXPECT_TRUE(CompareExactly(kMin, -HUGE_VAL) > 0);
  EXPECT_TRUE(CompareExactly(kMax, HUGE_VAL) < 0);
  EXPECT_TRUE(CompareExactly(0, std::nan("")) == std::partial_ordering::unordered);
}

TEST(ValueCompare, AgreesWithLongDoubles) {
  static_assert(std::numeric_limits<long double>::digits >= 64);
  Random random(4);
  for (int i = 0; i < 20'000; ++i) {
    const auto integer = static_cast<int64_t>(random.Next() >> random.Uniform(64));
    const auto real = static_cast<double>(integer) + (random.UniformDouble() - 0.5) * 4;
    EXPECT_TRUE(CompareExactly(integer, real) ==
                (static_cast<long double>(integer) <=> static_cast<long double>(real)));
  }
}

TEST(ValueCompare, KnowsWhichIntegersAreExactFloats) {
  EXPECT_TRUE(IsExactFloat64(kTwoTo53));
  EXPECT_FALSE(IsExactFloat64(kTwoTo53 + 1));
  EXPECT_TRUE(IsExactFloat64(kTwoTo53 + 2));
  EXPECT_TRUE(IsExactFloat64(kMin));
  EXPECT_FALSE(IsExactFloat64(kMin + 1));
  EXPECT_FALSE(IsExactFloat64(kMax));
}

TEST(ValueCompare, OrdersScalarsOfOneKindAndNumbersOfBoth) {
  EXPECT_TRUE(CompareScalars("a", "b") < 0);
  // Bytewise, so that bytes above ASCII come last.
  EXPECT_TRUE(CompareScalars("z", "\xC3\xA9") < 0);
  EXPECT_TRUE(CompareScalars(false, true) < 0);
  EXPECT_TRUE(CompareScalars(Timestamp{2}, Timestamp{1}) > 0);
  EXPECT_TRUE(CompareScalars(1, 1.0) == 0);
  EXPECT_TRUE(CompareScalars(1.5, 1) > 0);
  EXPECT_TRUE(CompareScalars(0x1p53, kTwoTo53 + 1) < 0);
}

TEST(ValueCompare, OtherKindsDoNotCompare) {
  const std::vector<Value> kinds = {
      Value(), true, 1, "1", Timestamp{1}, Value::List{Value(1)}, Value::Object{{"a", Value(1)}}};
  for (size_t i = 0; i < kinds.size(); ++i) {
    for (size_t j = 0; j < kinds.size(); ++j) {
      const bool is_scalar = i >= 1 && i <= 4;
      EXPECT_EQ(CompareScalars(kinds[i], kinds[j]) == std::partial_ordering::unordered,
                i != j || !is_scalar)
          << i << " " << j;
    }
  }
}

}  // namespace
}  // namespace viper::columnar
