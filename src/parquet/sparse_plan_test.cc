#include "parquet/sparse_plan.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "parquet/sparse_fixture.h"

namespace viper::parquet {
namespace {

SparsePlan PlanOf(const SparseRows& made, size_t dim, VectorFormat format, StoragePolicy policy,
                  double threshold = 0.5) {
  return PlanSparseRows(made.rows.vectors, dim, {format, threshold}, {.policy = policy});
}

SparsePlan Adaptive(const SparseRows& made, size_t dim, StoragePolicy policy) {
  return PlanOf(made, dim, VectorFormat::kAdaptive, policy);
}

TEST(SparsePlan, FewComponentsAreStoredSparseUnderSizeAndVeryFewUnderSpeedToo) {
  const SparseRows made = MakeSparseRows(1000, 1000, 0.05, 0);
  const SparsePlan size = Adaptive(made, 1000, StoragePolicy::kSize);
  EXPECT_EQ(size.row_count, 1000U) << size.reason;
  EXPECT_NE(size.reason.find("1000 of 1000 rows are sparse: "), std::string::npos) << size.reason;
  const SparsePlan speed = Adaptive(made, 1000, StoragePolicy::kSpeed);
  EXPECT_EQ(speed.row_count, 0U);
  EXPECT_NE(speed.reason.find("reading a row in place 8095"), std::string::npos) << speed.reason;
  EXPECT_LT(speed.rows_per_page, Adaptive(made, 1000, StoragePolicy::kSize).rows_per_page);
  EXPECT_NE(Adaptive(made, 1000, StoragePolicy::kSize).reason.find("zstd"), std::string::npos);
  EXPECT_EQ(
      Adaptive(MakeSparseRows(20, 30'000, 1.0 / 300, 0), 30'000, StoragePolicy::kSpeed).row_count,
      20U);
}

TEST(SparsePlan, ImagesOfDigitsStayInPlaceUnderSpeed) {
  SparseRows made = MakeSparseRows(1000, 784, 0.2, 0);
  for (float& component : made.floats) {
    component = component == 0 ? 0 : static_cast<float>(static_cast<int>(component * 100) & 255);
  }
  const SparsePlan speed = Adaptive(made, 784, StoragePolicy::kSpeed);
  EXPECT_EQ(speed.row_count, 0U);
  EXPECT_TRUE(speed.is_sparse.empty());
  EXPECT_EQ(speed.reason.find("sparse rows stay dense: a page of 5 rows takes "), 0U)
      << speed.reason;
  EXPECT_EQ(PlanOf(made, 784, VectorFormat::kSparse, StoragePolicy::kSpeed).row_count, 1000U);
}

TEST(SparsePlan, ManyDenseRowsBetweenThemKeepThePlaceUnderSpeed) {
  const SparseRows made = MakeSparseRows(1000, 1000, 0.05, 2);
  EXPECT_EQ(Adaptive(made, 1000, StoragePolicy::kSpeed).row_count, 0U);
  const SparsePlan plan = Adaptive(made, 1000, StoragePolicy::kSize);
  EXPECT_EQ(plan.row_count, 500U);
  EXPECT_FALSE(plan.is_sparse[0]);
  EXPECT_TRUE(plan.is_sparse[1]);
}

TEST(SparsePlan, DenseAndSparseAreWhatTheOptionsSay) {
  const SparseRows made = MakeSparseRows(100, 100, 0.05, 0);
  EXPECT_EQ(PlanOf(made, 100, VectorFormat::kDense, StoragePolicy::kSize).row_count, 0U);
  EXPECT_EQ(PlanOf(made, 100, VectorFormat::kDense, StoragePolicy::kSize).reason, "");
  const SparsePlan speed = PlanOf(made, 100, VectorFormat::kAdaptive, StoragePolicy::kSpeed);
  EXPECT_EQ(speed.reason, "sparse rows stay dense: fewer than 1048576 bytes");
  const SparsePlan sparse = PlanOf(made, 100, VectorFormat::kSparse, StoragePolicy::kSpeed);
  EXPECT_EQ(sparse.row_count, 100U);
  EXPECT_NE(sparse.reason.find("set by the options"), std::string::npos) << sparse.reason;
}

TEST(SparsePlan, TheThresholdSaysWhichRowsAreSparse) {
  const SparseRows made = MakeSparseRows(1000, 100, 0.6, 0);
  const auto planned = [&](double threshold) {
    return PlanOf(made, 100, VectorFormat::kSparse, StoragePolicy::kSize, threshold).row_count;
  };
  EXPECT_LT(planned(0.5), 50U);
  EXPECT_GT(planned(0.3), 950U);
  EXPECT_EQ(planned(1), 0U);
}

TEST(SparsePlan, WithoutTrialsTheBytesAreCounted) {
  const SparseRows sparse = MakeSparseRows(100, 100, 0.45, 0);
  const SparseRows denser = MakeSparseRows(100, 100, 0.55, 0);
  const CompressionOptions fixed = {
      .policy = StoragePolicy::kSize, .adaptive = false, .fixed = {.codec = Codec::kNone}};
  const auto plan = [&](const SparseRows& made, double threshold) {
    return PlanSparseRows(made.rows.vectors, 100, {VectorFormat::kAdaptive, threshold}, fixed);
  };
  EXPECT_EQ(plan(sparse, 0.3).row_count, 100U);
  EXPECT_EQ(plan(sparse, 0.3).values.coding, (ColumnCoding{Encoding::kPlain, fixed.fixed}));
  EXPECT_EQ(plan(denser, 0.3).row_count, 0U) << plan(denser, 0.3).reason;
}

}  // namespace
}  // namespace viper::parquet
