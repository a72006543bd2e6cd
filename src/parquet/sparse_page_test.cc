#include "parquet/sparse_page.h"

#include <cmath>

#include <gtest/gtest.h>

#include "parquet/vector_levels.h"

namespace viper::parquet {
namespace {

constexpr size_t kDim = 4;

std::vector<const std::byte*> PointersTo(const std::vector<float>& floats) {
  std::vector<const std::byte*> rows;
  for (size_t at = 0; at < floats.size(); at += kDim) {
    rows.push_back(reinterpret_cast<const std::byte*>(floats.data() + at));
  }
  return rows;
}

TEST(SparsePage, ComponentsThatAreNotZeroAreThereWithTheirPlaces) {
  const std::vector<float> floats = {0, 1, 0, -0.0F, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 2, 0};
  const std::vector<bool> is_sparse = {true, false, true, true};
  const SparsePage page = MakeSparsePage(PointersTo(floats), kDim, is_sparse, {0, 4});
  EXPECT_EQ(page.indices, (std::vector<int32_t>{1, 3, 2}));
  EXPECT_EQ(page.values, (std::vector<float>{1, -0.0F, 2}));
  EXPECT_TRUE(std::signbit(page.values[1]));
  std::vector<uint8_t> levels;
  AppendLevels(std::vector<int16_t>{0, 1, 0, 0, 0}, 1, levels);
  AppendLevels(std::vector<int16_t>{2, 2, 0, 1, 2}, 2, levels);
  EXPECT_EQ(page.levels, levels);
  EXPECT_EQ(page.level_count, 5U);
}

TEST(SparsePage, RowsOfTheRunOnly) {
  const std::vector<float> floats = {1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0};
  const SparsePage page = MakeSparsePage(PointersTo(floats), kDim, {true, true, true}, {1, 1});
  EXPECT_EQ(page.values, (std::vector<float>{2}));
  const SparsePage none = MakeSparsePage(PointersTo(floats), kDim, {}, {0, 3});
  EXPECT_TRUE(none.values.empty());
  EXPECT_EQ(none.level_count, 3U);
  EXPECT_EQ(EncodeIndices(none, Encoding::kPlain)->size(), 0);
  EXPECT_EQ(EncodeValues(none, Encoding::kByteStreamSplit)->size(), 0);
}

TEST(SparsePage, VectorsHaveEmptyListsForSparseRows) {
  const MixedLevels mixed = EncodeMixedLevels(2, {true, false, true}, {0, 3});
  std::vector<uint8_t> levels;
  AppendLevels(std::vector<int16_t>{0, 0, 1, 0}, 1, levels);
  AppendLevels(std::vector<int16_t>{0, 1, 1, 0}, 1, levels);
  EXPECT_EQ(mixed.bytes, levels);
  EXPECT_EQ(mixed.level_count, 4U);
  EXPECT_EQ(EncodeMixedLevels(3, {false, false}, {0, 2}).bytes, EncodeVectorLevels(2, 3));
}

}  // namespace
}  // namespace viper::parquet
