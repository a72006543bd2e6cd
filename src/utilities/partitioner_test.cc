#include "viper/partitioner.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "index/clustering_fixture.h"
#include "testing/status_matchers.h"
#include "utilities/vector_partitions.h"

namespace viper {
namespace {

/// Every row is in exactly one partition, and the plan says so twice.
void ExpectComplete(const PartitionPlan& plan, size_t row_count) {
  std::vector<int> seen(row_count, 0);
  for (size_t p = 0; p < plan.partitions.size(); ++p) {
    EXPECT_TRUE(std::is_sorted(plan.partitions[p].rows.begin(), plan.partitions[p].rows.end()));
    for (const uint32_t row : plan.partitions[p].rows) {
      ASSERT_LT(row, row_count);
      ++seen[row];
      EXPECT_EQ(plan.partition_of_row[row], p);
    }
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), static_cast<std::ptrdiff_t>(row_count));
}

/// Of the rows, the share that is nearer to another partition's centroid by half the distance.
double FarShare(const PartitionPlan& plan, const std::vector<float>& vectors, size_t dim) {
  size_t far = 0;
  const size_t count = vectors.size() / dim;
  for (size_t row = 0; row < count; ++row) {
    const float* vector = vectors.data() + row * dim;
    double nearest = 1e300;
    for (const Partition& partition : plan.partitions) {
      nearest =
          std::min(nearest, utilities::SquaredDistance(vector, partition.centroid.data(), dim));
    }
    const Partition& own = plan.partitions[plan.partition_of_row[row]];
    far += utilities::SquaredDistance(vector, own.centroid.data(), dim) > 4 * nearest ? 1 : 0;
  }
  return static_cast<double>(far) / static_cast<double>(count);
}

std::vector<Record> RecordsOf(size_t count) {
  std::vector<Record> records(count);
  for (size_t i = 0; i < count; ++i) {
    records[i].id = "id" + std::to_string(i);
    records[i].vector = {static_cast<float>(i), 1};
    records[i].timestamp = Timestamp{static_cast<int64_t>(i) * 60'000'000};  // a minute each
    records[i].metadata["category"] = i % 10 == 0 ? "rare" : (i % 2 == 0 ? "even" : "odd");
  }
  return records;
}

TEST(DataPartitioner, U36_T07_ClustersAreWithinTheBoundsAndTheirRowsNear) {
  constexpr size_t kRows = 20'000;
  constexpr size_t kDim = 16;
  // Blobs of very different sizes: each row of the first half is repeated about one blob.
  std::vector<float> vectors = index::ClusteredRows(kRows, kDim, 60, 5);
  Random random(6);
  for (size_t row = 0; row < kRows / 2; ++row) {
    for (size_t d = 0; d < kDim; ++d) {
      vectors[row * kDim + d] = vectors[(kRows - 1) * kDim + d] + index::Normal(random);
    }
  }
  for (const auto algorithm : {PartitionAlgorithm::kKMeans, PartitionAlgorithm::kMiniBatchKMeans}) {
    PartitioningConfig config;
    config.algorithm = algorithm;
    config.partition_count = 40;
    config.rows_min = 200;
    config.rows_max = 2'000;
    ASSERT_OK_AND_ASSIGN(const PartitionPlan plan,
                         DataPartitioner(config).SplitVectors(vectors, kDim));
    ExpectComplete(plan, kRows);
    EXPECT_TRUE(plan.is_within_bounds);
    EXPECT_GE(plan.rows_smallest, 200u);
    EXPECT_LE(plan.rows_largest, 2'000u);
    EXPECT_LT(*plan.own_distance, *plan.second_distance);
    for (const Partition& partition : plan.partitions) {
      EXPECT_LE(*partition.own_distance, 1.05 * *partition.second_distance) << partition.name;
    }
    EXPECT_LT(FarShare(plan, vectors, kDim), 0.01);
    EXPECT_GT(*plan.silhouette, -0.2);
  }
}

TEST(DataPartitioner, U36_ClustersByDensityAreWithinTheBoundsWhateverNumberIsWanted) {
  constexpr size_t kRows = 3'000;
  constexpr size_t kDim = 4;
  const std::vector<float> vectors = index::ClusteredRows(kRows, kDim, 5, 5);
  PartitioningConfig config;
  config.algorithm = PartitionAlgorithm::kDensity;
  config.partition_count = 1;
  config.rows_min = 100;
  config.rows_max = 400;
  ASSERT_OK_AND_ASSIGN(const PartitionPlan plan,
                       DataPartitioner(config).SplitVectors(vectors, kDim));
  ExpectComplete(plan, kRows);
  EXPECT_TRUE(plan.is_within_bounds);
  EXPECT_GE(plan.partitions.size(), 8u) << "five clusters, each of more than 400";
  EXPECT_LT(*plan.own_distance, *plan.second_distance);
}

TEST(DataPartitioner, U36_WellSeparatedBlobsAreFound) {
  constexpr size_t kDim = 4;
  std::vector<float> vectors;
  Random random(1);
  for (size_t row = 0; row < 4'000; ++row) {
    for (size_t d = 0; d < kDim; ++d) {
      vectors.push_back((d == row % 4 ? 100.0F : 0.0F) + index::Normal(random));
    }
  }
  PartitioningConfig config;
  config.partition_count = 4;
  config.rows_min = 500;
  config.rows_max = 2'000;
  ASSERT_OK_AND_ASSIGN(const PartitionPlan plan,
                       DataPartitioner(config).SplitVectors(vectors, kDim));
  ASSERT_EQ(plan.partitions.size(), 4u);
  for (size_t row = 0; row < 4'000; ++row) {
    EXPECT_EQ(plan.partition_of_row[row], plan.partition_of_row[row % 4]);
  }
  EXPECT_GT(*plan.silhouette, 0.9);
  // The same again.
  ASSERT_OK_AND_ASSIGN(const PartitionPlan again,
                       DataPartitioner(config).SplitVectors(vectors, kDim));
  EXPECT_EQ(plan.partition_of_row, again.partition_of_row);
}

TEST(DataPartitioner, U36_EqualVectorsAreStillSplitByTheBounds) {
  const std::vector<float> vectors(3'000, 1.5F);
  PartitioningConfig config;
  config.rows_min = 10;
  config.rows_max = 400;
  ASSERT_OK_AND_ASSIGN(const PartitionPlan plan, DataPartitioner(config).SplitVectors(vectors, 3));
  ExpectComplete(plan, 1'000);
  EXPECT_TRUE(plan.is_within_bounds);
}

TEST(DataPartitioner, U36_FewRowsAreOnePartition) {
  PartitioningConfig config;
  ASSERT_OK_AND_ASSIGN(const PartitionPlan plan, DataPartitioner(config).Split(RecordsOf(100)));
  ASSERT_EQ(plan.partitions.size(), 1u);
  EXPECT_FALSE(plan.is_within_bounds);
  EXPECT_EQ(plan.second_distance, std::nullopt);
  ASSERT_OK_AND_ASSIGN(const PartitionPlan none, DataPartitioner(config).Split({}));
  EXPECT_TRUE(none.partitions.empty());
}

TEST(DataPartitioner, U36_TimeWindowsHoldTheirTimes) {
  PartitioningConfig config;
  config.algorithm = PartitionAlgorithm::kTimeWindow;
  config.time_window_ms = 1 * 3'600'000;
  config.rows_min = 30;
  config.rows_max = 200;
  const auto records = RecordsOf(1'000);
  ASSERT_OK_AND_ASSIGN(const PartitionPlan plan, DataPartitioner(config).Split(records));
  ExpectComplete(plan, 1'000);
  EXPECT_TRUE(plan.is_within_bounds);
  ASSERT_EQ(plan.partitions.size(), 17u);  // the last 40 minutes are 40 rows
  EXPECT_EQ(plan.partitions[1].rows.front(), 60u);
  EXPECT_EQ(plan.partitions[1].rows.size(), 60u);
  config.rows_min = 100;
  ASSERT_OK_AND_ASSIGN(const PartitionPlan wide, DataPartitioner(config).Split(records));
  ExpectComplete(wide, 1'000);
  EXPECT_TRUE(wide.is_within_bounds);
  auto without = records;
  without[7].timestamp.reset();
  EXPECT_STATUS(kInvalidArgument, "record 7", DataPartitioner(config).Split(without));
}

TEST(DataPartitioner, U36_HashesAreEvenAndStable) {
  PartitioningConfig config;
  config.algorithm = PartitionAlgorithm::kHash;
  config.partition_count = 8;
  config.rows_min = 400;
  config.rows_max = 1'000;
  const auto records = RecordsOf(4'000);
  ASSERT_OK_AND_ASSIGN(const PartitionPlan plan, DataPartitioner(config).Split(records));
  ExpectComplete(plan, 4'000);
  EXPECT_EQ(plan.partitions.size(), 8u);
  EXPECT_TRUE(plan.is_within_bounds);
  // A record's partition does not depend on the others.
  const std::vector<Record> some(records.begin() + 100, records.end());
  ASSERT_OK_AND_ASSIGN(const PartitionPlan of_some, DataPartitioner(config).Split(some));
  for (size_t i = 0; i < some.size(); ++i) {
    EXPECT_EQ(of_some.partition_of_row[i], plan.partition_of_row[i + 100]);
  }
}

TEST(DataPartitioner, U36_TheLargestBoundLosesNoRecord) {
  PartitioningConfig config;
  config.rows_min = 1;
  config.rows_max = std::numeric_limits<uint64_t>::max();
  for (const auto algorithm :
       {PartitionAlgorithm::kTimeWindow, PartitionAlgorithm::kHash, PartitionAlgorithm::kKMeans}) {
    config.algorithm = algorithm;
    ASSERT_OK_AND_ASSIGN(const PartitionPlan plan, DataPartitioner(config).Split(RecordsOf(100)));
    ExpectComplete(plan, 100);
    EXPECT_TRUE(plan.is_within_bounds);
  }
}

TEST(DataPartitioner, U36_SparseVectorsMeanTheSameAsDenseOnes) {
  PartitioningConfig config;
  config.partition_count = 4;
  config.rows_min = 10;
  config.rows_max = 50;
  auto records = RecordsOf(100);
  ASSERT_OK_AND_ASSIGN(const PartitionPlan dense, DataPartitioner(config).Split(records));
  const auto make_sparse = [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      records[i].sparse_vector = SparseVector::FromDense(records[i].vector);
      records[i].vector.clear();
    }
  };
  // The first ones, then all of them: their dimension is that of the others, or what they use.
  make_sparse(0, 10);
  ASSERT_OK_AND_ASSIGN(const PartitionPlan mixed, DataPartitioner(config).Split(records));
  EXPECT_EQ(mixed.partition_of_row, dense.partition_of_row);
  make_sparse(10, 100);
  ASSERT_OK_AND_ASSIGN(const PartitionPlan sparse, DataPartitioner(config).Split(records));
  EXPECT_EQ(sparse.partition_of_row, dense.partition_of_row);
  records[5].sparse_vector = SparseVector{{4'000'000'000}, {1}};
  EXPECT_STATUS(kInvalidArgument, "actual=4000000001", DataPartitioner(config).Split(records));
}

TEST(DataPartitioner, U36_FieldsAreSplitByTheirValues) {
  PartitioningConfig config;
  config.algorithm = PartitionAlgorithm::kField;
  config.field = "category";
  config.rows_min = 150;
  config.rows_max = 1'000;
  auto records = RecordsOf(1'000);
  records[1].metadata.clear();
  ASSERT_OK_AND_ASSIGN(const PartitionPlan plan, DataPartitioner(config).Split(records));
  ExpectComplete(plan, 1'000);
  std::set<std::string> names;
  for (const Partition& partition : plan.partitions) names.insert(partition.name);
  EXPECT_EQ(names, (std::set<std::string>{"category = \"even\"", "category = \"odd\"", "other"}));
  EXPECT_FALSE(plan.is_within_bounds);  // "other" has 101
}

TEST(DataPartitioner, BadInputIsRefused) {
  PartitioningConfig config;
  config.rows_max = 2 * config.rows_min - 1;
  EXPECT_STATUS(kInvalidArgument, "rows_max=1999", config.Validate());
  config = {};
  config.partition_count = 0;
  EXPECT_STATUS(kInvalidArgument, "partition_count", config.Validate());
  config = {};
  config.algorithm = PartitionAlgorithm::kField;
  EXPECT_STATUS(kInvalidArgument, "field", config.Validate());
  config.field = "x";
  EXPECT_STATUS(kInvalidArgument, "'field'",
                DataPartitioner(config).SplitVectors(std::vector<float>{1}, 1));
  const DataPartitioner partitioner{PartitioningConfig{}};
  EXPECT_STATUS(kInvalidArgument, "floats=3 dim=2",
                partitioner.SplitVectors(std::vector<float>{1, 2, 3}, 2));
  EXPECT_STATUS(kInvalidArgument, "component 1 of vector 0",
                partitioner.SplitVectors(std::vector<float>{1, std::nanf(""), 3, 4}, 2));
  auto records = RecordsOf(3);
  records[2].vector.push_back(1);
  EXPECT_STATUS(kInvalidArgument, "record 2", partitioner.Split(records));
}

RC_GTEST_PROP(DataPartitionerProperty, U36_AnyVectorsAreSplitCompletelyAndWithinTheBounds, ()) {
  const auto dim = *rc::gen::inRange<size_t>(1, 4);
  const auto count = *rc::gen::inRange<size_t>(1, 300);
  std::vector<float> vectors;
  for (size_t i = 0; i < count * dim; ++i) {
    vectors.push_back(static_cast<float>(*rc::gen::inRange(-5, 5)));
  }
  PartitioningConfig config;
  config.algorithm =
      *rc::gen::element(PartitionAlgorithm::kKMeans, PartitionAlgorithm::kMiniBatchKMeans);
  config.partition_count = *rc::gen::inRange<size_t>(1, 20);
  config.rows_min = *rc::gen::inRange<uint64_t>(1, 30);
  config.rows_max = config.rows_min * *rc::gen::inRange<uint64_t>(2, 5);
  const auto plan = DataPartitioner(config).SplitVectors(vectors, dim);
  RC_ASSERT(plan.ok());
  uint64_t total = 0;
  for (const Partition& partition : plan->partitions) total += partition.rows.size();
  RC_ASSERT(total == count);
  RC_ASSERT(plan->is_within_bounds == (count >= config.rows_min));
}

}  // namespace
}  // namespace viper
