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

/// Their products give squared distances, which no other metric is about.
TEST(Segment, WholeRowsAreForSquaredDistancesOnly) {
  const BuiltIndex built = SmallIndex();
  const auto opened = Segment::Open(WriteSegmentBytes(built, ByteRows::kWhole), *built.model);
  EXPECT_EQ(opened.status().code(), StatusCode::kCorruption);
}

/// Rows that are in no order, and some of them twice, as if they were of other parts; every third
/// has no code.
TEST(WriteSegment, CopiedCodesAreThoseOfTheFloats) {
  for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
    for (const ByteRows kind : {ByteRows::kNone, ByteRows::kScaled}) {
      Random random(22);
      const BuiltIndex built = BuildIndex(ClusteredRows(700, 40, 5, random), 40, metric, 6, kind);
      const auto old = Segment::Open(built.bytes, *built.model).value();
      std::vector<KnownCode> codes(built.count());
      for (size_t cluster = 0; cluster < old->cluster_count(); ++cluster) {
        const ClusterView& view = old->cluster(cluster);
        for (uint32_t i = 0; i < view.row_count; ++i) {
          codes[LoadFixed<uint32_t>(view.numbers + 4 * i)] = {old.get(), i};
        }
      }
      const auto origin = [&](uint64_t row) { return row * 397 % built.count(); };
      std::vector<uint32_t> clusters;
      for (uint64_t row = 0; row < 1000; ++row) clusters.push_back(built.clusters[origin(row)]);
      size_t asked = 0;
      const auto write = [&](bool copies) {
        std::vector<std::byte> bytes;
        SegmentInput input;
        input.model = built.model;
        input.parts = {{"part-b.parquet", 1, clusters.size()}};
        input.byte_rows = kind;
        input.clusters = clusters;
        input.floats = [&](uint64_t row) -> Result<HeldFloats> {
          ++asked;
          return built.Row(origin(row));
        };
        if (copies) {
          input.known = [&](uint64_t row) {
            return row % 3 == 0 ? KnownCode() : codes[origin(row)];
          };
        }
        input.append = [&bytes](std::span<const std::byte> more) {
          bytes.insert(bytes.end(), more.begin(), more.end());
          return Status::Ok();
        };
        EXPECT_TRUE(WriteSegment(input).ok());
        return bytes;
      };
      const auto coded = write(false);
      asked = 0;
      EXPECT_EQ(write(true), coded);
      EXPECT_EQ(asked, metric == Metric::kCosine ? 668U : 334U) << "cosine looks for zeros too";
    }
  }
}

TEST(WriteSegment, ByteRowsOfAnotherKindAreCodedAnew) {
  Random random(23);
  const BuiltIndex built =
      BuildIndex(ClusteredRows(200, 16, 5, random), 16, Metric::kL2, 3, ByteRows::kNone);
  const auto old = Segment::Open(built.bytes, *built.model).value();
  SegmentInput input;
  input.model = built.model;
  input.parts = {{"part-a.parquet", 1234, built.count()}};
  input.byte_rows = ByteRows::kScaled;
  input.clusters = built.clusters;
  input.floats = [&built](uint64_t row) -> Result<HeldFloats> { return built.Row(row); };
  input.known = [&](uint64_t) { return KnownCode{old.get(), 0}; };
  std::vector<std::byte> bytes;
  input.append = [&bytes](std::span<const std::byte> more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
    return Status::Ok();
  };
  ASSERT_TRUE(WriteSegment(input).ok());
  EXPECT_EQ(bytes, WriteSegmentBytes(built, ByteRows::kScaled));
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
