#include "utilities/vector_partitions.h"

#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace viper::utilities {
namespace {

TEST(VectorPartitions, U36_ASmallGroupGoesToItsNearest) {
  // Three groups on a line: 10 rows at 0, 2 at 6, 10 at 10.
  std::vector<float> floats(10, 0.0F);
  floats.insert(floats.end(), 2, 6.0F);
  floats.insert(floats.end(), 10, 10.0F);
  PartitioningConfig config;
  config.partition_count = 3;
  config.rows_min = 5;
  config.rows_max = 20;
  ASSERT_OK_AND_ASSIGN(const auto groups, SplitByVectors({floats, 1}, config));
  ASSERT_EQ(groups.size(), 2u);
  for (const RowGroup& group : groups) {
    EXPECT_EQ(group.size(), group.front() == 0 ? 10u : 12u);
  }
}

TEST(VectorPartitions, DistancesAndMeansAreThoseOfTheDefinition) {
  const std::vector<float> floats = {0, 0, 3, 4, 6, 8};
  const VectorRows rows{floats, 2};
  EXPECT_EQ(rows.count(), 3u);
  EXPECT_DOUBLE_EQ(SquaredDistance(rows.row(0), rows.row(1), 2), 25);
  EXPECT_EQ(MeanOf(rows, std::vector<uint32_t>{0, 2}), (std::vector<float>{3, 4}));
  PartitionPlan plan;
  plan.partitions = {{.name = "a", .rows = {0}}, {.name = "b", .rows = {1, 2}}};
  plan.partition_of_row = {0, 1, 1};
  MeasurePartitions(rows, plan);
  EXPECT_DOUBLE_EQ(*plan.partitions[0].own_distance, 0);
  EXPECT_DOUBLE_EQ(*plan.partitions[0].second_distance, 7.5);
  EXPECT_DOUBLE_EQ(*plan.partitions[1].own_distance, 2.5);
  EXPECT_DOUBLE_EQ(*plan.partitions[1].second_distance, 7.5);
  // Of row 1: 5 inside, 5 to the other; of row 2: 5 inside, 10 to the other.
  EXPECT_DOUBLE_EQ(*plan.silhouette, 0.25);
}

}  // namespace
}  // namespace viper::utilities
