#include "testing/random_records.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "base/utf8.h"

namespace viper {
namespace {

TEST(RandomRecords, EqualSeedsGiveEqualRecords) {
  EXPECT_EQ(RandomRecords(1, 50, 8), RandomRecords(1, 50, 8));
  EXPECT_NE(RandomRecords(1, 50, 8), RandomRecords(2, 50, 8));
}

TEST(RandomRecords, AreValidAndReachTheEdges) {
  const std::vector<Record> records = RandomRecords(3, 500, 16);
  std::set<std::string> ids;
  bool negative_zero = false;
  bool denormal = false;
  bool nested = false;
  for (const Record& record : records) {
    ids.insert(record.id);
    ASSERT_TRUE(IsValidUtf8(record.id));
    ASSERT_GE(record.id.size(), 1U);
    ASSERT_LE(record.id.size(), kIdBytesMax);
    ASSERT_EQ(record.vector.size(), 16U);
    for (float component : record.vector) {
      ASSERT_TRUE(std::isfinite(component));
      negative_zero = negative_zero || (component == 0 && std::signbit(component));
      denormal = denormal || std::fpclassify(component) == FP_SUBNORMAL;
    }
    for (const auto& [key, value] : record.metadata) {
      ASSERT_TRUE(IsValidUtf8(key));
      nested = nested || (value.as_object() != nullptr && !value.as_object()->empty());
    }
  }
  EXPECT_EQ(ids.size(), records.size());
  EXPECT_TRUE(negative_zero);
  EXPECT_TRUE(denormal);
  EXPECT_TRUE(nested);
}

}  // namespace
}  // namespace viper
