#include "index/scan_mask.h"

#include <bit>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "base/coding.h"
#include "base/random.h"
#include "index/index_fixture.h"

namespace viper::index {
namespace {

/// With zero rows, and clusters whose last block is not full.
BuiltIndex BuildWithZeroRows() {
  Random random(5);
  std::vector<float> rows = ClusteredRows(3000, 6, 12, random);
  for (size_t i = 0; i < 3000; i += 100) std::fill_n(rows.begin() + i * 6, 6, 0.0F);
  return BuildIndex(std::move(rows), 6, Metric::kCosine, 12, ByteRows::kScaled);
}

uint32_t NumberOf(const ClusterView& cluster, size_t row) {
  return LoadFixed<uint32_t>(cluster.numbers + row * sizeof(uint32_t));
}

TEST(ScanMask, HoldsTheSelectionInTheOrderOfTheScan) {
  const BuiltIndex built = BuildWithZeroRows();
  ASSERT_FALSE(built.segment->zero_rows().empty());
  Random random(6);
  for (const uint32_t one_of : {1, 2, 30, 1000, 100'000}) {
    Bitmap selection(built.count());
    for (size_t i = 0; i < built.count(); ++i) selection.Assign(i, random.Uniform(one_of) == 0);
    const auto mask = ScanMask::Make(*built.segment, selection).value();
    EXPECT_EQ(mask->selected_count(), selection.CountSet());
    uint64_t blocks = 0;
    for (size_t i = 0; i < built.segment->cluster_count(); ++i) {
      const ClusterView& cluster = built.segment->cluster(i);
      const auto words = mask->WordsOf(i);
      ASSERT_EQ(words.size(), cluster.block_count);
      uint32_t selected = 0;
      for (size_t row = 0; row < cluster.row_count; ++row) {
        const bool is_selected = ((words[row / 64] >> (row % 64)) & 1) != 0;
        EXPECT_EQ(is_selected, selection.Test(NumberOf(cluster, row)));
        selected += is_selected ? 1 : 0;
      }
      EXPECT_EQ(mask->SelectedIn(i), selected);
      for (const uint64_t word : words) blocks += word != 0 ? 1 : 0;
      if (cluster.row_count % 64 != 0) {
        EXPECT_EQ(words.back() >> (cluster.row_count % 64), 0U) << "padding takes part";
      }
    }
    EXPECT_EQ(mask->block_count(), blocks);
    std::vector<uint32_t> zero_rows;
    for (const uint32_t row : built.segment->zero_rows()) {
      if (selection.Test(row)) zero_rows.push_back(row);
    }
    EXPECT_EQ(std::vector(mask->zero_rows().begin(), mask->zero_rows().end()), zero_rows);
  }
}

TEST(ScanMask, DamagedNumbersAreRefused) {
  BuiltIndex built = BuildWithZeroRows();
  const std::byte* number = built.segment->cluster(3).numbers + 5 * sizeof(uint32_t);
  const size_t offset = static_cast<size_t>(number - built.bytes.data());
  for (const std::byte flip : {std::byte{1}, std::byte{0x80}}) {
    for (const size_t byte : {size_t{0}, size_t{3}}) {
      built.bytes[offset + byte] ^= flip;
      const auto segment = Segment::Open(built.bytes, *built.model).value();
      const auto made = ScanMask::Make(*segment, Bitmap(built.count(), true));
      EXPECT_EQ(made.status().code(), StatusCode::kCorruption);
      built.bytes[offset + byte] ^= flip;
    }
  }
  EXPECT_TRUE(ScanMask::Make(*built.segment, Bitmap(built.count(), true)).ok());
}

TEST(ClusterSelection, CountsClustersAndRowsOverSegments) {
  const BuiltIndex built = BuildWithZeroRows();
  const size_t clusters = built.segment->cluster_count();
  Bitmap selection(built.count());
  selection.Set(NumberOf(built.segment->cluster(2), 0));
  selection.Set(NumberOf(built.segment->cluster(2), 1));
  const auto mask = ScanMask::Make(*built.segment, selection).value();
  const auto none = ScanMask::Make(*built.segment, Bitmap(built.count())).value();
  const uint64_t rows = built.segment->cluster(2).row_count;

  ClusterSelection one(clusters);
  EXPECT_EQ(one.count(), 0U);
  EXPECT_EQ(one.selected_share(), 1);
  one.Add(*built.segment, none.get());
  one.Add(*built.segment, mask.get());
  EXPECT_EQ(one.count(), 1U);
  EXPECT_EQ(one.words()[0], 4U);
  EXPECT_TRUE(one.Has(2));
  EXPECT_FALSE(one.Has(1));
  EXPECT_EQ(one.RowsIn(2), 2 * rows);
  EXPECT_EQ(one.SelectedIn(2), 2U);
  EXPECT_DOUBLE_EQ(one.selected_share(), 2.0 / static_cast<double>(2 * rows));
  one.Add(*built.segment, nullptr);
  EXPECT_EQ(one.SelectedIn(2), rows + 2);
  EXPECT_EQ(one.count(), clusters);
}

}  // namespace
}  // namespace viper::index
