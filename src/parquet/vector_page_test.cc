#include "parquet/vector_page.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include <arrow/buffer.h>
#include <gtest/gtest.h>

#include "parquet/vector_levels.h"

namespace viper::parquet {
namespace {

::parquet::DataPageV1 PageOf(const std::vector<uint8_t>& bytes, size_t value_count) {
  return {std::make_shared<::arrow::Buffer>(bytes.data(), static_cast<int64_t>(bytes.size())),
          static_cast<int32_t>(value_count),
          ::parquet::Encoding::PLAIN,
          ::parquet::Encoding::RLE,
          ::parquet::Encoding::RLE,
          static_cast<int64_t>(bytes.size())};
}

TEST(VectorPage, PartsLieBehindEachOther) {
  std::vector<uint8_t> bytes = EncodeVectorLevels(3, 4);
  const size_t level_bytes = bytes.size();
  bytes.resize(level_bytes + 12 * sizeof(float));
  const auto parts = SplitPage(PageOf(bytes, 12), 1).value();
  EXPECT_EQ(parts.levels.size(), level_bytes);
  EXPECT_EQ(parts.values.size(), 12 * sizeof(float));
  EXPECT_EQ(parts.repetition.size() + parts.definition.size() + 8, level_bytes);
  DenseLevelChecker checker(4, 1);
  EXPECT_TRUE(checker.AreDense(parts, 12));
  EXPECT_TRUE(checker.AreDense(parts, 12));
  EXPECT_FALSE(DenseLevelChecker(3, 1).AreDense(parts, 12));
}

TEST(VectorPage, LevelsThatReachOutsideAreRefused) {
  std::vector<uint8_t> bytes = EncodeVectorLevels(3, 4);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(
        SplitPage(PageOf({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}, 12), 1)
            .has_value())
        << size;
  }
  const uint32_t huge = std::numeric_limits<uint32_t>::max();
  std::memcpy(bytes.data(), &huge, sizeof(huge));
  EXPECT_FALSE(SplitPage(PageOf(bytes, 12), 1).has_value());
}

TEST(VectorPage, TheFirstFloatThatIsNotFiniteIsFound) {
  std::vector<float> floats(5000, std::numeric_limits<float>::max());
  EXPECT_FALSE(FindNotFinite(std::as_bytes(std::span(floats))).has_value());
  floats[4321] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(FindNotFinite(std::as_bytes(std::span(floats))), 4321U);
  floats[17] = std::nanf("");
  EXPECT_EQ(FindNotFinite(std::as_bytes(std::span(floats))), 17U);
  EXPECT_FALSE(FindNotFinite({}).has_value());
}

TEST(CountRowStarts, CountsWhatBeginsInThePage) {
  const std::vector<uint8_t> bytes = EncodeVectorLevels(7, 3);
  uint32_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  PageParts parts;
  parts.repetition = std::span(bytes).subspan(sizeof(length), length);
  const auto starts = CountRowStarts(parts, 21);
  ASSERT_TRUE(starts.has_value());
  EXPECT_EQ(starts->count, 7U);
  EXPECT_TRUE(starts->begins_with_row);
  EXPECT_FALSE(CountRowStarts(parts, 500).has_value()) << "fewer levels than values";
}

}  // namespace
}  // namespace viper::parquet
