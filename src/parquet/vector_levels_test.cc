#include "parquet/vector_levels.h"

#include <cstring>

#include <gtest/gtest.h>
#include <parquet/exception.h>

namespace viper::parquet {
namespace {

struct Blocks {
  std::vector<uint8_t> bytes;
  std::span<const uint8_t> repetition;
  std::span<const uint8_t> definition;
};

Blocks Encode(size_t row_count, size_t dim) {
  Blocks blocks{EncodeVectorLevels(row_count, dim), {}, {}};
  uint32_t length = 0;
  std::memcpy(&length, blocks.bytes.data(), 4);
  const std::span<const uint8_t> all(blocks.bytes);
  blocks.repetition = all.subspan(4, length);
  uint32_t definition_length = 0;
  std::memcpy(&definition_length, blocks.bytes.data() + 4 + length, 4);
  blocks.definition = all.subspan(8 + length);
  EXPECT_EQ(blocks.definition.size(), definition_length);
  return blocks;
}

TEST(VectorLevels, EveryShapeIsRecognisedAndNoOther) {
  for (const size_t dim : {1, 2, 7, 8, 9, 63, 64, 65, 100, 768, 65'536}) {
    for (const size_t rows : {1, 2, 3, 17}) {
      const Blocks blocks = Encode(rows, dim);
      EXPECT_TRUE(AreDenseVectorLevels(blocks.repetition, blocks.definition, 1, rows * dim, dim))
          << rows << " x " << dim;
      if (rows > 1) {
        EXPECT_FALSE(
            AreDenseVectorLevels(blocks.repetition, blocks.definition, 1, rows * dim, rows * dim));
        EXPECT_FALSE(
            AreDenseVectorLevels(blocks.repetition, blocks.definition, 1, rows * dim, dim + 1));
      }
    }
  }
}

TEST(VectorLevels, ARowCostsFiveBytes) {
  EXPECT_LE(EncodeVectorLevels(2048, 128).size(), 2048U * 5 + 16);
  EXPECT_LE(EncodeVectorLevels(341, 768).size(), 341U * 5 + 16);
}

TEST(VectorLevels, LowerDefinitionLevelsAreNotDense) {
  const Blocks blocks = Encode(4, 8);
  EXPECT_FALSE(AreDenseVectorLevels(blocks.repetition, blocks.definition, 2, 32, 8))
      << "an element of level 1 of 2 is null";
  EXPECT_TRUE(AreDenseVectorLevels(blocks.repetition, {}, 0, 32, 8));
}

TEST(VectorLevels, TooFewLevelsAreNotDense) {
  const Blocks blocks = Encode(4, 8);
  const auto half = blocks.repetition.first(blocks.repetition.size() / 2);
  bool dense = false;
  try {
    dense = AreDenseVectorLevels(half, blocks.definition, 1, 32, 8);
  } catch (const ::parquet::ParquetException&) {
    dense = false;
  }
  EXPECT_FALSE(dense);
  EXPECT_FALSE(AreDenseVectorLevels(blocks.repetition, blocks.definition, 1, 32, 0));
}

}  // namespace
}  // namespace viper::parquet
