#include "viper/sparse_vector.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "testing/status_matchers.h"

namespace viper {
namespace {

TEST(SparseVector, ComponentsInAnyOrderBecomeTheDenseVector) {
  const SparseVector sparse{.indices = {4, 0, 2}, .values = {5, 1, 3}};
  EXPECT_EQ(*sparse.ToDense(5), (std::vector<float>{1, 0, 3, 0, 5}));
  EXPECT_EQ(*SparseVector().ToDense(2), (std::vector<float>{0, 0}));
}

TEST(SparseVector, DenseVectorsComeBackBitForBit) {
  const std::vector<float> dense = {0, -0.0F, 7, std::numeric_limits<float>::denorm_min(), 0};
  const SparseVector sparse = SparseVector::FromDense(dense);
  EXPECT_EQ(sparse.indices, (std::vector<uint32_t>{1, 2, 3}));
  ASSERT_OK_AND_ASSIGN(const auto again, sparse.ToDense(5));
  EXPECT_EQ(again, dense);
  EXPECT_TRUE(std::signbit(again[1]));
  EXPECT_FALSE(std::signbit(again[0]));
}

TEST(SparseVector, WhatMakesNoVectorIsRefusedWithItsNumbers) {
  const auto refusal = [](const SparseVector& sparse) { return sparse.ToDense(4); };
  EXPECT_STATUS(kInvalidArgument, "indices=2 values=1",
                refusal({.indices = {1, 2}, .values = {1}}));
  EXPECT_STATUS(kInvalidArgument, "dim=4 index=4 place=1",
                refusal({.indices = {1, 4}, .values = {1, 2}}));
  EXPECT_STATUS(kInvalidArgument, "an index twice: index=3 place=2",
                refusal({.indices = {3, 1, 3}, .values = {1, 2, 3}}));
  EXPECT_STATUS(kInvalidArgument, "not finite: index=2 place=0",
                refusal({.indices = {2}, .values = {std::nanf("")}}));
  EXPECT_OK(SparseVector({.indices = {3, 0}, .values = {1, 2}}).Validate(4));
}

TEST(SparseVector, C25_AVectorIsKeptSparseAboveTheThreshold) {
  const auto layout = [](size_t zeros, double threshold) {
    std::vector<float> vector(100, 1);
    std::fill_n(vector.begin(), zeros, 0.0F);
    return VectorLayoutName(DetermineStorageFormat(vector, threshold));
  };
  EXPECT_EQ(layout(40, 0.5), "dense");
  EXPECT_EQ(layout(49, 0.5), "dense");
  EXPECT_EQ(layout(50, 0.5), "dense");
  EXPECT_EQ(layout(51, 0.5), "sparse");
  EXPECT_EQ(layout(60, 0.5), "sparse");
  EXPECT_EQ(layout(40, 0.3), "sparse");
  EXPECT_EQ(layout(49, 0.3), "sparse");
  EXPECT_EQ(layout(30, 0.3), "dense");
}

TEST(SparseVector, LayoutsHaveNames) {
  EXPECT_EQ(VectorLayoutName(VectorLayout::kHybrid), "hybrid");
}

}  // namespace
}  // namespace viper
