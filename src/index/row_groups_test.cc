#include "index/row_groups.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace viper::index {
namespace {

std::vector<uint32_t> Copy(std::span<const uint32_t> numbers) {
  return {numbers.begin(), numbers.end()};
}

TEST(RowGroups, RowsKeepTheirOrderWithinAGroup) {
  const RowGroups groups = GroupRows(std::vector<uint32_t>{2, 0, 2, 3, 0}, 5);
  ASSERT_EQ(groups.group_count(), 5);
  EXPECT_EQ(Copy(groups.group(0)), (std::vector<uint32_t>{1, 4}));
  EXPECT_TRUE(groups.group(1).empty());
  EXPECT_EQ(Copy(groups.group(2)), (std::vector<uint32_t>{0, 2}));
  EXPECT_EQ(Copy(groups.group(3)), (std::vector<uint32_t>{3}));
  EXPECT_TRUE(groups.group(4).empty());
}

TEST(RowGroups, ARowMayBeInSeveralGroups) {
  const std::vector<uint32_t> rows = {7, 7, 9};
  const RowGroups groups = GroupRows(rows, std::vector<uint32_t>{1, 0, 1}, 2);
  EXPECT_EQ(Copy(groups.group(0)), (std::vector<uint32_t>{7}));
  EXPECT_EQ(Copy(groups.group(1)), (std::vector<uint32_t>{7, 9}));
}

TEST(RowGroups, EveryRowIsInItsGroupAndInNoOther) {
  Random random(1);
  std::vector<uint32_t> group_of(1'000);
  for (uint32_t& group : group_of) group = static_cast<uint32_t>(random.Uniform(37));
  const RowGroups groups = GroupRows(group_of, 37);
  std::vector<uint32_t> seen;
  for (uint32_t g = 0; g < 37; ++g) {
    for (const uint32_t row : groups.group(g)) EXPECT_EQ(group_of[row], g);
    seen.insert(seen.end(), groups.group(g).begin(), groups.group(g).end());
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, NumbersTo(1'000));
}

TEST(RowGroups, NothingIsInNoGroup) {
  const RowGroups groups = GroupRows(std::vector<uint32_t>{}, 3);
  ASSERT_EQ(groups.group_count(), 3);
  EXPECT_TRUE(groups.group(2).empty());
  EXPECT_EQ(GroupRows(std::vector<uint32_t>{}, 0).group_count(), 0);
}

}  // namespace
}  // namespace viper::index
