#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <utility>

#include <fmt/core.h>

#include "base/assert.h"
#include "base/coding.h"
#include "base/crc32c.h"
#include "base/status_macros.h"
#include "index/byte_row.h"
#include "index/row_code.h"
#include "index/segment.h"
#include "index/segment_format.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

using kernels::kBlockRows;

/// Clusters that are encoded between two writes, per thread.
constexpr size_t kClustersPerThread = 16;

bool IsZero(const std::byte* floats, size_t dim) {
  for (size_t i = 0; i < dim; ++i) {
    float x = 0;
    std::memcpy(&x, floats + i * sizeof(float), sizeof(x));
    if (x != 0) return false;
  }
  return true;
}

/// Encodes one cluster after the other, with buffers of its own.
class ClusterEncoder {
 public:
  explicit ClusterEncoder(const SegmentInput& input)
      : input_(input),
        model_(*input.model),
        row_bytes_(ByteRowBytes(input.byte_rows, model_)),
        plain_(model_.dim()),
        prepared_(model_.dim()),
        rotated_(model_.code_dim()),
        residual_(model_.code_dim()),
        bits_(model_.planes()) {}

  Result<std::vector<std::byte>> Encode(size_t cluster, std::span<const uint32_t> rows) {
    const ClusterLayout layout = LayOutCluster(rows.size(), model_.planes(), row_bytes_);
    std::vector<std::byte> bytes(layout.bytes);
    const size_t block_bytes = kernels::BlockBytes(model_.planes());
    for (size_t i = 0; i < rows.size(); ++i) {
      std::byte* block = bytes.data() + i / kBlockRows * block_bytes;
      std::byte* byte_row = bytes.data() + layout.byte_rows_offset + i * row_bytes_;
      StoreFixed(bytes.data() + layout.numbers_offset + i * sizeof(uint32_t), rows[i]);
      if (CopyKnown(cluster, rows[i], i, block, byte_row)) continue;
      VIPER_ASSIGN_OR_RETURN(const HeldFloats row, input_.floats(rows[i]));
      std::memcpy(plain_.data(), row.floats, plain_.size() * sizeof(float));
      model_.PrepareRows(row.floats, 1, prepared_.data());
      model_.rotation().Apply(prepared_.data(), rotated_.data());
      EncodeBits(cluster, i, block);
      if (row_bytes_ == 0) continue;
      EncodeByteRow(input_.byte_rows,
                    input_.byte_rows == ByteRows::kWhole ? std::span<const float>(plain_)
                                                         : std::span<const float>(rotated_),
                    byte_row);
    }
    if (rows.size() % kBlockRows != 0) {
      PadBlock(model_.planes(), rows.size() % kBlockRows,
               bytes.data() + (layout.block_count - 1) * block_bytes);
    }
    return bytes;
  }

 private:
  /// False: the row has no code that could be copied.
  bool CopyKnown(size_t cluster, uint32_t number, size_t row, std::byte* block,
                 std::byte* byte_row) const {
    if (!input_.known) return false;
    const KnownCode known = input_.known(number);
    if (known.segment == nullptr || known.segment->byte_rows() != input_.byte_rows) return false;
    const ClusterView& from = known.segment->cluster(cluster);
    VIPER_ASSERT(known.position < from.row_count);
    const size_t block_bytes = kernels::BlockBytes(model_.planes());
    CopyRow(from.blocks + known.position / kBlockRows * block_bytes, known.position % kBlockRows,
            model_.planes(), row % kBlockRows, block);
    if (row_bytes_ > 0) {
      std::memcpy(byte_row, from.byte_rows + known.position * row_bytes_, row_bytes_);
    }
    return true;
  }

  void EncodeBits(size_t cluster, size_t row, std::byte* block) {
    const float* centroid = model_.rotated_centroid(cluster);
    for (size_t i = 0; i < residual_.size(); ++i) residual_[i] = rotated_[i] - centroid[i];
    const RowFactors factors =
        EncodeRow(model_.metric(), residual_.data(), centroid, model_.planes(), bits_.data());
    StoreRow(bits_.data(), factors, model_.planes(), row % kBlockRows, block);
  }

  const SegmentInput& input_;
  const Model& model_;
  const size_t row_bytes_;
  std::vector<float> plain_;
  std::vector<float> prepared_;
  std::vector<float> rotated_;
  std::vector<float> residual_;
  std::vector<uint8_t> bits_;
};

/// The rows of each cluster, in rising order.
struct ClusterRows {
  std::vector<uint32_t> rows;
  /// Where each cluster begins in `rows`; one more at the end.
  std::vector<size_t> firsts;
  std::vector<uint32_t> zero_rows;

  std::span<const uint32_t> Of(size_t cluster) const {
    return std::span(rows).subspan(firsts[cluster], firsts[cluster + 1] - firsts[cluster]);
  }
};

Result<std::vector<uint32_t>> FindZeroRows(const SegmentInput& input) {
  std::vector<uint32_t> zero_rows;
  if (input.model->metric() != Metric::kCosine) return zero_rows;
  for (size_t row = 0; row < input.clusters.size(); ++row) {
    if (input.known && input.known(row).segment != nullptr) continue;
    VIPER_ASSIGN_OR_RETURN(const HeldFloats held, input.floats(row));
    if (IsZero(held.floats, input.model->dim())) zero_rows.push_back(static_cast<uint32_t>(row));
  }
  return zero_rows;
}

Result<ClusterRows> SortByCluster(const SegmentInput& input) {
  ClusterRows sorted;
  VIPER_ASSIGN_OR_RETURN(sorted.zero_rows, FindZeroRows(input));
  sorted.firsts.assign(input.model->cluster_count() + 1, 0);
  const auto for_each_row = [&](auto&& take) {
    auto zero = sorted.zero_rows.begin();
    for (uint32_t row = 0; row < input.clusters.size(); ++row) {
      if (zero != sorted.zero_rows.end() && *zero == row) {
        ++zero;
      } else {
        take(row, input.clusters[row]);
      }
    }
  };
  for_each_row([&](uint32_t, uint32_t cluster) { ++sorted.firsts[cluster + 1]; });
  std::partial_sum(sorted.firsts.begin(), sorted.firsts.end(), sorted.firsts.begin());
  std::vector<size_t> next = sorted.firsts;
  sorted.rows.resize(sorted.firsts.back());
  for_each_row([&](uint32_t row, uint32_t cluster) { sorted.rows[next[cluster]++] = row; });
  return sorted;
}

/// Writes the pieces of the file in order and remembers where they went.
class SegmentStream {
 public:
  explicit SegmentStream(const SegmentInput& input) : input_(input), footer_writer_(table_) {}

  Status AppendCluster(size_t row_count, std::span<const std::byte> bytes) {
    VIPER_RETURN_IF_ERROR(Align());
    footer_writer_.PutFixed64(offset_);
    footer_writer_.PutFixed32(static_cast<uint32_t>(row_count));
    footer_writer_.PutFixed32(crc32c::Value(bytes));
    return Append(bytes);
  }

  Status Finish(std::span<const uint32_t> zero_rows) {
    std::vector<std::byte> end;
    ByteWriter writer(end);
    writer.PutFixed64(input_.model->id());
    writer.PutU8(static_cast<uint8_t>(input_.byte_rows));
    writer.PutFixed64(input_.clusters.size());
    writer.PutVarint(input_.parts.size());
    for (const SegmentPart& part : input_.parts) {
      writer.PutString(part.path);
      writer.PutFixed64(part.file_bytes);
      writer.PutFixed64(part.row_count);
    }
    writer.PutVarint(zero_rows.size());
    for (const uint32_t row : zero_rows) writer.PutFixed32(row);
    writer.PutBytes(table_);
    writer.PutFixed64(std::bit_cast<uint64_t>(input_.mean_squared_distance));
    const uint32_t crc = crc32c::Value(end);
    const size_t footer_bytes = end.size();
    writer.PutFixed64(offset_);
    writer.PutFixed64(footer_bytes);
    writer.PutFixed32(crc);
    writer.PutFixed32(kSegmentVersion);
    writer.PutFixed64(kSegmentMagic);
    return Append(end);
  }

 private:
  Status Append(std::span<const std::byte> bytes) {
    offset_ += bytes.size();
    return input_.append(bytes);
  }
  Status Align() {
    static constexpr std::byte kZeros[kClusterAlignment] = {};
    const size_t missing = (kClusterAlignment - offset_ % kClusterAlignment) % kClusterAlignment;
    return Append({kZeros, missing});
  }

  const SegmentInput& input_;
  uint64_t offset_ = 0;
  std::vector<std::byte> table_;
  ByteWriter footer_writer_;
};

}  // namespace

Status WriteSegment(const SegmentInput& input) {
  const Model& model = *input.model;
  VIPER_ASSERT(input.clusters.size() <= std::numeric_limits<uint32_t>::max());
  VIPER_ASSIGN_OR_RETURN(const ClusterRows sorted, SortByCluster(input));
  const size_t threads = input.pool == nullptr ? 1 : input.pool->thread_count();
  std::vector<ClusterEncoder> encoders(threads, ClusterEncoder(input));
  SegmentStream stream(input);
  const size_t step = threads * kClustersPerThread;
  for (size_t first = 0; first < model.cluster_count(); first += step) {
    const size_t count = std::min(step, model.cluster_count() - first);
    std::vector<std::vector<std::byte>> encoded(count);
    std::vector<Status> statuses(threads);
    const auto encode = [&](size_t thread) {
      for (size_t i = thread; i < count; i += threads) {
        auto bytes = encoders[thread].Encode(first + i, sorted.Of(first + i));
        if (!bytes.ok()) {
          statuses[thread] = bytes.status();
          return;
        }
        encoded[i] = std::move(*bytes);
      }
    };
    if (threads == 1) {
      encode(0);
    } else {
      input.pool->ParallelFor(threads, encode);
    }
    for (const Status& status : statuses) VIPER_RETURN_IF_ERROR(status);
    for (size_t i = 0; i < count; ++i) {
      VIPER_RETURN_IF_ERROR(stream.AppendCluster(sorted.Of(first + i).size(), encoded[i]));
    }
    const double done =
        static_cast<double>(first + count) / static_cast<double>(model.cluster_count());
    if (input.progress && !input.progress(done)) return Status::Cancelled("index: cancelled");
  }
  return stream.Finish(sorted.zero_rows);
}

}  // namespace viper::index
