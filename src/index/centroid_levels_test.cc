#include "index/centroid_levels.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "index/clustering_fixture.h"
#include "index/row_groups.h"

namespace viper::index {
namespace {

TEST(CentroidLevels, EveryCentroidIsAMemberOfOneGroup) {
  for (const size_t count : {1, 2, 255, 256, 1'000}) {
    SCOPED_TRACE(count);
    const CentroidList list(ClusteredRows(count, 6, 50, 1), 6);
    const CentroidLevels levels(list);
    std::vector<uint32_t> seen;
    for (size_t g = 0; g < levels.group_count(); ++g) {
      EXPECT_FALSE(levels.members(g).empty());
      EXPECT_TRUE(std::is_sorted(levels.members(g).begin(), levels.members(g).end()));
      EXPECT_EQ(levels.member_panels(g).size(), PanelCount(levels.members(g).size()) * 7);
      seen.insert(seen.end(), levels.members(g).begin(), levels.members(g).end());
    }
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(seen, NumbersTo(count));
    EXPECT_EQ(levels.group_means().count, PanelCount(levels.group_count()));
  }
}

TEST(CentroidLevels, FewCentroidsAreOneGroup) {
  const CentroidLevels few(CentroidList(ClusteredRows(255, 4, 50, 2), 4));
  EXPECT_EQ(few.group_count(), 1);
  const CentroidLevels many(CentroidList(ClusteredRows(900, 4, 50, 2), 4));
  EXPECT_GT(many.group_count(), 30);
  EXPECT_LE(many.group_count(), 45);
}

TEST(CentroidLevels, EqualCentroidsLeaveNoGroupWithoutMembers) {
  const CentroidLevels levels(CentroidList(std::vector<float>(600 * 3, 2.0F), 3));
  ASSERT_EQ(levels.group_count(), 1);
  EXPECT_EQ(levels.members(0).size(), 600);
  EXPECT_EQ(levels.reach(), 0);
}

TEST(CentroidLevels, NoCentroidsAreNoGroups) {
  EXPECT_EQ(CentroidLevels(CentroidList()).group_count(), 0);
}

}  // namespace
}  // namespace viper::index
