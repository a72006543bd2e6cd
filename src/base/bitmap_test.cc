#include "base/bitmap.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace viper {
namespace {

// The same bits, one by one.
std::vector<bool> RandomBits(Random& random, size_t size) {
  std::vector<bool> bits(size);
  for (size_t i = 0; i < size; ++i) bits[i] = random.Chance(0.5);
  return bits;
}

Bitmap ToBitmap(const std::vector<bool>& bits) {
  Bitmap bitmap(bits.size());
  for (size_t i = 0; i < bits.size(); ++i) bitmap.Assign(i, bits[i]);
  return bitmap;
}

constexpr size_t kSizes[] = {0, 1, 63, 64, 65, 127, 128, 200, 1000, 5000};

TEST(Bitmap, AllOnesHasNoBitsPastItsEnd) {
  for (size_t size : kSizes) {
    const Bitmap bitmap(size, true);
    EXPECT_EQ(bitmap.CountSet(), size);
    EXPECT_EQ(bitmap.AnySet(), size > 0);
  }
}

TEST(Bitmap, InvertAndResizeKeepTheTailZero) {
  Bitmap bitmap(70);
  bitmap.Invert();
  EXPECT_EQ(bitmap.CountSet(), 70U);
  bitmap.Resize(65);
  bitmap.Resize(128);
  EXPECT_EQ(bitmap.CountSet(), 65U);
  EXPECT_FALSE(bitmap.Test(65));
  bitmap.Resize(0);
  EXPECT_TRUE(bitmap.empty());
  EXPECT_FALSE(bitmap.AnySet());
}

TEST(Bitmap, SetAndClearTouchOneBit) {
  Bitmap bitmap(130);
  bitmap.Set(64);
  EXPECT_TRUE(bitmap.Test(64));
  EXPECT_EQ(bitmap.CountSet(), 1U);
  bitmap.Clear(64);
  EXPECT_FALSE(bitmap.AnySet());
}

TEST(Bitmap, RangeCountsEqualCountsBitByBit) {
  constexpr uint64_t kSeed = 1;
  Random random(kSeed);
  for (size_t size : kSizes) {
    const std::vector<bool> bits = RandomBits(random, size);
    const Bitmap bitmap = ToBitmap(bits);
    for (int round = 0; round < 200; ++round) {
      const size_t first = random.Uniform(size + 1);
      const size_t last = first + random.Uniform(size - first + 1);
      size_t expected = 0;
      for (size_t i = first; i < last; ++i) expected += bits[i] ? 1 : 0;
      ASSERT_EQ(bitmap.CountSet(first, last), expected) << size << ' ' << first << ' ' << last;
    }
  }
}

TEST(Bitmap, WordWiseOperationsEqualThoseBitByBit) {
  constexpr uint64_t kSeed = 2;
  Random random(kSeed);
  for (size_t size : kSizes) {
    const std::vector<bool> a = RandomBits(random, size);
    const std::vector<bool> b = RandomBits(random, size);
    Bitmap both = ToBitmap(a);
    both &= ToBitmap(b);
    Bitmap either = ToBitmap(a);
    either |= ToBitmap(b);
    Bitmap only = ToBitmap(a);
    only.AndNot(ToBitmap(b));
    Bitmap inverse = ToBitmap(a);
    inverse.Invert();
    for (size_t i = 0; i < size; ++i) {
      ASSERT_EQ(both.Test(i), a[i] && b[i]);
      ASSERT_EQ(either.Test(i), a[i] || b[i]);
      ASSERT_EQ(only.Test(i), a[i] && !b[i]);
      ASSERT_EQ(inverse.Test(i), !a[i]);
    }
    EXPECT_EQ(inverse.CountSet(), size - ToBitmap(a).CountSet());
  }
}

TEST(Bitmap, VisitsSetBitsInRisingOrder) {
  Bitmap bitmap(200);
  const std::vector<size_t> expected = {0, 1, 63, 64, 130, 199};
  for (size_t i : expected) bitmap.Set(i);
  std::vector<size_t> visited;
  bitmap.ForEachSet([&](size_t i) { visited.push_back(i); });
  EXPECT_EQ(visited, expected);
}

TEST(BitmapDeathTest, OperandsOfDifferentSizesAreABrokenPromise) {
  Bitmap a(3);
  EXPECT_DEATH(a &= Bitmap(4), "size_");
}

TEST(Bitmap, CopiesRunsToAnyPlace) {
  Random random(7);
  for (int round = 0; round < 500; ++round) {
    const size_t size = 1 + random.Uniform(300);
    const size_t first = random.Uniform(size);
    const size_t count = random.Uniform(size - first + 1);
    Bitmap from(count + random.Uniform(70));
    for (size_t i = 0; i < from.size(); ++i) from.Assign(i, random.Uniform(2) == 0);
    Bitmap target(size);
    for (size_t i = 0; i < size; ++i) target.Assign(i, random.Uniform(2) == 0);
    const Bitmap before = target;
    const bool all = round % 5 == 0;
    target.CopyFrom(all ? nullptr : &from, count, first);
    for (size_t i = 0; i < size; ++i) {
      const bool copied = i >= first && i < first + count;
      ASSERT_EQ(target.Test(i), copied ? all || from.Test(i - first) : before.Test(i)) << round;
    }
  }
}

TEST(Bitmap, SlicesAreTheBitsFromAnyPlaceOn) {
  Random random(8);
  for (int round = 0; round < 500; ++round) {
    Bitmap whole(random.Uniform(300));
    for (size_t i = 0; i < whole.size(); ++i) whole.Assign(i, random.Uniform(2) == 0);
    const size_t first = random.Uniform(whole.size() + 1);
    const size_t count = random.Uniform(whole.size() - first + 1);
    const Bitmap slice = whole.Slice(first, count);
    ASSERT_EQ(slice.size(), count);
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(slice.Test(i), whole.Test(first + i)) << round;
    ASSERT_EQ(slice.CountSet(), whole.CountSet(first, first + count));
  }
}

}  // namespace
}  // namespace viper
