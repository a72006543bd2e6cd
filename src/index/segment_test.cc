#include "index/segment.h"

#include <vector>

#include <gtest/gtest.h>

#include "index/index_fixture.h"

namespace viper::index {
namespace {

BuiltIndex SmallIndex() {
  Random random(21);
  return BuildIndex(ClusteredRows(300, 5, 4, random), 5, Metric::kCosine, 6, ByteRows::kScaled);
}

TEST(Segment, HoldsEveryRowOnce) {
  const BuiltIndex built = SmallIndex();
  const Segment& segment = *built.segment;
  EXPECT_EQ(segment.row_count(), 300U);
  EXPECT_EQ(segment.parts(), (std::vector<SegmentPart>{{"part-a.parquet", 1234, 300}}));
  std::vector<int> seen(300);
  for (size_t i = 0; i < segment.cluster_count(); ++i) {
    ASSERT_TRUE(segment.CheckCluster(i).ok());
    const ClusterView& cluster = segment.cluster(i);
    for (size_t row = 0; row < cluster.row_count; ++row) {
      const auto number = LoadFixed<uint32_t>(cluster.numbers + row * sizeof(uint32_t));
      EXPECT_EQ(built.clusters[number], i);
      ++seen[number];
    }
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), 300);
}

TEST(Segment, EveryFlippedByteIsNoticed) {
  const BuiltIndex built = SmallIndex();
  for (size_t i = 0; i < built.bytes.size(); ++i) {
    std::vector<std::byte> damaged = built.bytes;
    damaged[i] ^= std::byte{0x20};
    const auto segment = Segment::Open(damaged, *built.model);
    if (!segment.ok()) continue;
    bool noticed = false;
    for (size_t c = 0; c < (*segment)->cluster_count(); ++c) {
      noticed |= !(*segment)->CheckCluster(c).ok();
    }
    // Zeros between clusters mean nothing.
    EXPECT_TRUE(noticed || built.bytes[i] == std::byte{0}) << "byte " << i;
  }
}

TEST(Segment, EveryOtherLengthIsNoticed) {
  const BuiltIndex built = SmallIndex();
  for (size_t size = 0; size < built.bytes.size(); ++size) {
    EXPECT_FALSE(Segment::Open(std::span(built.bytes).first(size), *built.model).ok()) << size;
  }
}

TEST(Segment, BelongsToOneModel) {
  const BuiltIndex built = SmallIndex();
  const auto other = MakePlainModel(Metric::kCosine, 5);
  EXPECT_EQ(Segment::Open(built.bytes, *other).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Segment::ModelIdOf(built.bytes).value(), built.model->id());
}

TEST(WriteSegment, StopsWhenToldTo) {
  const BuiltIndex built = SmallIndex();
  SegmentInput input;
  input.model = built.model;
  input.clusters = built.clusters;
  input.floats = [&built](uint64_t row) -> Result<HeldFloats> { return built.Row(row); };
  input.append = [](std::span<const std::byte>) { return Status::Ok(); };
  input.progress = [](double) { return false; };
  EXPECT_EQ(WriteSegment(input).code(), StatusCode::kCancelled);
  input.progress = nullptr;
  input.append = [](std::span<const std::byte>) { return Status::ResourceExhausted("full"); };
  EXPECT_EQ(WriteSegment(input).code(), StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace viper::index
