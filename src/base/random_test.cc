#include "base/random.h"

#include <set>

#include <gtest/gtest.h>

namespace viper {
namespace {

TEST(Random, EqualSeedsGiveEqualSequences) {
  Random a(42);
  Random b(42);
  Random c(43);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const uint64_t next = a.Next();
    ASSERT_EQ(next, b.Next());
    differs = differs || next != c.Next();
  }
  EXPECT_TRUE(differs);
}

// The generators' own reference code, seeded alike, printed this.
TEST(Random, SequenceNeverChanges) { EXPECT_EQ(Random(0).Next(), 0x99EC5F36CB75F2B4U); }

TEST(Random, NumbersStayInTheirRangeAndReachAllOfIt) {
  Random random(7);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t number = random.Uniform(10);
    ASSERT_LT(number, 10U);
    seen.insert(number);
    const double fraction = random.UniformDouble();
    ASSERT_GE(fraction, 0.0);
    ASSERT_LT(fraction, 1.0);
  }
  EXPECT_EQ(seen.size(), 10U);
}

TEST(Random, ChanceKeepsItsExtremes) {
  Random random(8);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_FALSE(random.Chance(0));
    ASSERT_TRUE(random.Chance(1));
  }
}

TEST(MakeUuid, HasTheFormOfVersionFourAndIsNew) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string uuid = MakeUuid();
    ASSERT_EQ(uuid.size(), 36U);
    for (size_t dash : {8U, 13U, 18U, 23U}) ASSERT_EQ(uuid[dash], '-') << uuid;
    ASSERT_EQ(uuid.find_first_not_of("0123456789abcdef-"), std::string::npos) << uuid;
    ASSERT_EQ(uuid[14], '4') << uuid;
    ASSERT_NE(std::string("89ab").find(uuid[19]), std::string::npos) << uuid;
    seen.insert(uuid);
  }
  EXPECT_EQ(seen.size(), 1000U);
}

}  // namespace
}  // namespace viper
