// The bytes are those of docs/format/index.md: clusters first, in one stream, then a footer that
// says where each lies, then a trailer of fixed size that says where the footer lies.

#include "index/segment.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include <fmt/core.h>

#include "base/bitmap.h"
#include "base/coding.h"
#include "base/crc32c.h"
#include "base/status_macros.h"
#include "index/segment_format.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

Status Damaged(std::string_view what) {
  return Status::Corruption(fmt::format("index segment is damaged: {}", what));
}

/// The footer's bytes, after the checks that need nothing else.
Result<std::span<const std::byte>> FindFooter(std::span<const std::byte> bytes) {
  if (bytes.size() < kSegmentTrailerBytes) return Damaged("too short");
  const std::byte* trailer = bytes.data() + bytes.size() - kSegmentTrailerBytes;
  if (LoadFixed<uint64_t>(trailer + 24) != kSegmentMagic) return Damaged("wrong magic number");
  if (const auto version = LoadFixed<uint32_t>(trailer + 20); version != kSegmentVersion) {
    return Status::FailedPrecondition(
        fmt::format("index segment has another format version: expected={} actual={}",
                    kSegmentVersion, version));
  }
  const auto offset = LoadFixed<uint64_t>(trailer);
  const auto size = LoadFixed<uint64_t>(trailer + 8);
  const uint64_t end = bytes.size() - kSegmentTrailerBytes;
  if (offset > end || size != end - offset) return Damaged("place of the footer");
  const auto footer = bytes.subspan(offset, size);
  if (crc32c::Value(footer) != LoadFixed<uint32_t>(trailer + 16)) {
    return Damaged("checksum of the footer");
  }
  return footer;
}

std::optional<SegmentPart> ReadPart(ByteReader& reader) {
  SegmentPart part;
  const auto path = reader.ReadString();
  const auto file_bytes = reader.ReadFixed64();
  const auto row_count = reader.ReadFixed64();
  if (!path || !file_bytes || !row_count) return std::nullopt;
  part.path = std::string(*path);
  part.file_bytes = *file_bytes;
  part.row_count = *row_count;
  return part;
}

}  // namespace

size_t ByteRowBytes(ByteRows kind, const Model& model) {
  switch (kind) {
    case ByteRows::kNone:
      return 0;
    case ByteRows::kScaled:
      return model.code_dim() + 2 * sizeof(float);
    case ByteRows::kWhole:
      return model.dim() + sizeof(int32_t);
  }
  return 0;
}

ClusterLayout LayOutCluster(uint64_t row_count, size_t planes, size_t row_bytes) {
  ClusterLayout layout;
  layout.block_count = (row_count + kernels::kBlockRows - 1) / kernels::kBlockRows;
  layout.numbers_offset = layout.block_count * kernels::BlockBytes(planes);
  layout.byte_rows_offset = layout.numbers_offset + row_count * sizeof(uint32_t);
  layout.bytes = layout.byte_rows_offset + row_count * row_bytes;
  return layout;
}

Result<uint64_t> Segment::ModelIdOf(std::span<const std::byte> bytes) {
  VIPER_ASSIGN_OR_RETURN(const auto footer, FindFooter(bytes));
  if (footer.size() < sizeof(uint64_t)) return Damaged("footer");
  return LoadFixed<uint64_t>(footer.data());
}

Result<std::unique_ptr<const Segment>> Segment::Open(std::span<const std::byte> bytes,
                                                     const Model& model) {
  std::unique_ptr<Segment> segment(new Segment(bytes));  // NOLINT: the constructor is private
  VIPER_ASSIGN_OR_RETURN(const auto footer, FindFooter(bytes));
  VIPER_RETURN_IF_ERROR(segment->ReadFooter(footer, model));
  return std::unique_ptr<const Segment>(std::move(segment));
}

Status Segment::ReadFooter(std::span<const std::byte> footer, const Model& model) {
  ByteReader reader(footer);
  const auto model_id = reader.ReadFixed64();
  const auto kind = reader.ReadU8();
  const auto row_count = reader.ReadFixed64();
  const auto part_count = reader.ReadVarint();
  if (!model_id || !kind || *kind > static_cast<uint8_t>(ByteRows::kWhole) || !row_count ||
      !part_count || *part_count > footer.size()) {
    return Damaged("footer");
  }
  if (*model_id != model.id()) {
    return Status::FailedPrecondition(
        fmt::format("index segment belongs to another model: expected={:016x} actual={:016x}",
                    model.id(), *model_id));
  }
  model_id_ = *model_id;
  byte_rows_ = static_cast<ByteRows>(*kind);
  if (byte_rows_ == ByteRows::kWhole && model.metric() != Metric::kL2) return Damaged("byte rows");
  row_count_ = *row_count;
  uint64_t part_rows = 0;
  for (uint64_t i = 0; i < *part_count; ++i) {
    auto part = ReadPart(reader);
    if (!part || part->row_count > row_count_ - part_rows) return Damaged("parts");
    part_rows += part->row_count;
    parts_.push_back(std::move(*part));
  }
  if (part_rows != row_count_) return Damaged("rows of the parts");
  const auto zero_count = reader.ReadVarint();
  if (!zero_count || *zero_count > footer.size()) return Damaged("zero rows");
  for (uint64_t i = 0; i < *zero_count; ++i) {
    const auto row = reader.ReadFixed32();
    if (!row || *row >= row_count_) return Damaged("zero rows");
    zero_rows_.push_back(*row);
  }
  VIPER_RETURN_IF_ERROR(ReadClusters(reader, model));
  const auto distance_bits = reader.ReadFixed64();
  if (!distance_bits) return Damaged("footer");
  mean_squared_distance_ = std::bit_cast<double>(*distance_bits);
  if (!std::isfinite(mean_squared_distance_) || mean_squared_distance_ < 0) {
    return Damaged("mean squared distance");
  }
  return reader.done() ? Status::Ok() : Damaged("footer");
}

Status Segment::ReadClusters(ByteReader& reader, const Model& model) {
  const uint64_t end = bytes_.size();
  const size_t row_bytes = ByteRowBytes(byte_rows_, model);
  uint64_t rows = zero_rows_.size();
  for (size_t i = 0; i < model.cluster_count(); ++i) {
    const auto offset = reader.ReadFixed64();
    const auto row_count = reader.ReadFixed32();
    const auto crc = reader.ReadFixed32();
    if (!offset || !row_count || !crc || *row_count > row_count_ - rows) {
      return Damaged("cluster table");
    }
    rows += *row_count;
    const ClusterLayout layout = LayOutCluster(*row_count, model.planes(), row_bytes);
    if (*offset > end || layout.bytes > end - *offset) return Damaged("place of a cluster");
    const std::byte* start = bytes_.data() + *offset;
    ClusterView view;
    view.row_count = *row_count;
    view.blocks = start;
    view.block_count = layout.block_count;
    view.numbers = start + layout.numbers_offset;
    view.byte_rows = row_bytes == 0 ? nullptr : start + layout.byte_rows_offset;
    clusters_.push_back(view);
    block_count_ += view.block_count;
    cluster_bytes_.push_back(bytes_.subspan(*offset, layout.bytes));
    cluster_crcs_.push_back(*crc);
  }
  if (rows != row_count_) return Damaged("rows of the clusters");
  cluster_is_good_ = std::vector<std::atomic<bool>>(clusters_.size());
  return {};
}

Status Segment::CheckClusterAgain(size_t i) const {
  Status compared = CompareCluster(i);
  cluster_is_good_[i].store(compared.ok(), std::memory_order_relaxed);
  return compared;
}

Status Segment::CompareCluster(size_t i) const {
  const uint32_t actual = crc32c::Value(cluster_bytes_[i]);
  if (actual != cluster_crcs_[i]) {
    return Damaged(fmt::format("cluster {}: checksum: expected={:08x} actual={:08x}", i,
                               cluster_crcs_[i], actual));
  }
  // The numbers lead into other files: they are followed without further checks.
  const ClusterView& view = clusters_[i];
  for (size_t row = 0; row < view.row_count; ++row) {
    if (LoadFixed<uint32_t>(view.numbers + row * sizeof(uint32_t)) >= row_count_) {
      return Damaged(fmt::format("cluster {}: number of row {}", i, row));
    }
  }
  return {};
}

Status Segment::CompareNumbers() const {
  Bitmap seen(row_count_);
  for (const uint32_t number : zero_rows_) {
    if (seen.Test(number)) return Damaged("zero rows");
    seen.Set(number);
  }
  for (size_t i = 0; i < clusters_.size(); ++i) {
    for (size_t row = 0; row < clusters_[i].row_count; ++row) {
      const auto number = LoadFixed<uint32_t>(clusters_[i].numbers + row * sizeof(uint32_t));
      if (number >= row_count_ || seen.Test(number)) {
        return Damaged(fmt::format("cluster {}: number of row {}", i, row));
      }
      seen.Set(number);
    }
  }
  // As many as there are rows, each once: all of them.
  numbers_are_good_.store(true, std::memory_order_relaxed);
  return {};
}

}  // namespace viper::index
