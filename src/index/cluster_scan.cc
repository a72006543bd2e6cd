#include "index/cluster_scan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include <fmt/core.h>

#include "base/bitmap.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "index/row_code.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

using kernels::kBlockRows;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
/// Rows that are compared first, at least.
constexpr size_t kFirstRows = 16;
/// Blocks between two looks whether to stop.
constexpr size_t kBlocksPerCheck = 64;
constexpr size_t kLineBytes = 64;

/// Whether a selection leaves a row out. A number that is none of the segment's is reported where
/// it is followed.
bool IsLeftOut(const Bitmap& selection, uint32_t number) {
  return number < selection.size() && !selection.Test(number);
}

/// Standard deviations of the error of 1-bit codes that bounds allow for: each row is lost with the
/// probability that the rest of the normal distribution has, and only one that is near the k-th.
float DeviationsFor(double recall) {
  if (recall <= 0.95) return 1.65F;
  if (recall <= 0.98) return 1.8F;
  if (recall <= 0.99) return 1.95F;
  return 2.5F;
}

}  // namespace

void ClusterScan::Start(const IndexSearchRequest& request, PreparedQuery& query,
                        ScanScratch& scratch, IndexSearchCounts& counts) {
  request_ = &request;
  query_ = &query;
  scratch_ = &scratch;
  counts_ = &counts;
  block_bytes_ = kernels::BlockBytes(request.model->planes());
  error_share_ = ErrorShare(request.model->code_dim(), DeviationsFor(request.recall));
  rows_.Start(request, query, counts);
}

void ClusterScan::StartShare(const ClusterScan& whole, ScanScratch& scratch,
                             IndexSearchCounts& counts) {
  Start(*whole.request_, *whole.query_, scratch, counts);
  rows_.StartFrom(whole.rows_);
}

uint32_t ClusterScan::SparseRowsMax(size_t row_bytes) const {
  // Reaching a row takes a line more than its bytes, and a scan reads memory in order.
  return row_bytes == 0 ? 0 : static_cast<uint32_t>(block_bytes_ / (2 * (row_bytes + kLineBytes)));
}

Status ClusterScan::AppendRuns(const ClusterDistance& cluster) {
  const bool is_dot = request_->model->metric() == Metric::kDot;
  const float spread = std::sqrt(is_dot ? query_->squared_norm() : std::max(0.0F, cluster.value));
  for (uint32_t i = 0; i < request_->segments.size(); ++i) {
    const Segment& segment = *request_->segments[i].segment;
    const ScanMask* mask = request_->segments[i].mask;
    const ClusterView& view = segment.cluster(cluster.cluster);
    if (view.row_count == 0 || (mask != nullptr && mask->SelectedIn(cluster.cluster) == 0)) {
      continue;
    }
    VIPER_RETURN_IF_ERROR(segment.CheckCluster(cluster.cluster));
    const uint64_t* words = mask == nullptr ? nullptr : mask->WordsOf(cluster.cluster).data();
    const size_t row_bytes = ByteRowBytes(segment.byte_rows(), *request_->model);
    scratch_->runs.push_back({&view, words, i, cluster.value,
                              query_->centre() + error_share_ * spread, row_bytes,
                              SparseRowsMax(row_bytes)});
  }
  return {};
}

Status ClusterScan::ListRuns(std::span<const ClusterDistance> clusters, size_t step) {
  scratch_->runs.clear();
  for (size_t i = 0; i < clusters.size(); i += step) {
    VIPER_RETURN_IF_ERROR(AppendRuns(clusters[i]));
  }
  return {};
}

Status ClusterScan::ScanOpening(std::span<const ClusterDistance> clusters) {
  VIPER_RETURN_IF_ERROR(ListRuns(clusters, 1));
  std::vector<float>& values = scratch_->values;
  size_t blocks = 0;
  for (const BlockRun& run : scratch_->runs) blocks += run.cluster->block_count;
  values.resize(blocks * kBlockRows);
  float* block_values = values.data();
  BlockCursor at(scratch_->runs, block_bytes_);
  at.Prefetch(BlockCursor::kBlocksAhead);
  for (size_t done = 0; !at.is_done(); at.Advance(), ++done) {
    VIPER_RETURN_IF_ERROR(CheckStop(done));
    at.Prefetch(1);
    if (at.is_sparse()) {
      std::fill_n(block_values, kBlockRows, kInfinity);
      TakeRows(at.run(), at.block(), at.selected());
    } else {
      ScanCodes(at, kInfinity, block_values);
      HideValues(~at.selected(), block_values);
    }
    block_values += kBlockRows;
  }
  // Blocks without a row that takes part have been left out.
  values.resize(static_cast<size_t>(block_values - values.data()));
  rows_.CompareWaiting();
  scratch_->picker.Pick(values, std::max(kFirstRows, request_->k + request_->k / 2));
  TakePicked();
  scratch_->picker.TakeUpTo(values, rows_.threshold());
  TakePicked();
  return {};
}

/// Compare the rows that the picker holds, and not again.
void ClusterScan::TakePicked() {
  size_t block = 0;
  for (BlockCursor at(scratch_->runs, block_bytes_); !at.is_done(); at.Advance(), ++block) {
    const uint64_t mask = scratch_->picker.masks()[block];
    if (mask == 0) continue;
    TakeRows(at.run(), at.block(), mask);
    HideValues(mask, scratch_->values.data() + block * kBlockRows);
  }
  rows_.CompareWaiting();
}

uint64_t ClusterScan::ScanCodes(const BlockCursor& at, float threshold, float* values) {
  const BlockRun& run = at.run();
  counts_->scanned_rows +=
      std::min<size_t>(kBlockRows, run.cluster->row_count - at.block() * kBlockRows);
  return kernels::Active().scan_block(
      at.bytes(), request_->model->planes(), query_->table().entries,
      {query_->table().scale, run.shift, run.base, threshold}, values);
}

void ClusterScan::ScanBlock(const BlockCursor& at) {
  uint64_t passed = at.selected();
  if (!at.is_sparse()) {
    alignas(64) float values[kBlockRows];
    passed &= ScanCodes(at, rows_.threshold(), values);
  }
  if (passed != 0) TakeRows(at.run(), at.block(), passed);
}

Status ClusterScan::CheckStop(size_t done_blocks) const {
  if (request_->stop == nullptr || done_blocks % kBlocksPerCheck != 0) return {};
  return request_->stop->Check(
      [&] { return fmt::format("in the index, after {} blocks of codes", done_blocks); });
}

/// Let the rows of a block go on that the mask holds and the selection allows.
void ClusterScan::TakeRows(const BlockRun& run, size_t block, uint64_t mask) {
  const Bitmap* selection = request_->segments[run.segment].selection;
  const std::byte* numbers = run.cluster->numbers + block * kBlockRows * sizeof(uint32_t);
  const std::byte* byte_rows =
      run.row_bytes == 0 ? nullptr : run.cluster->byte_rows + block * kBlockRows * run.row_bytes;
  for (; mask != 0; mask &= mask - 1) {
    const auto row = static_cast<size_t>(std::countr_zero(mask));
    const std::byte* number = numbers + row * sizeof(uint32_t);
    if (selection != nullptr && IsLeftOut(*selection, LoadFixed<uint32_t>(number))) continue;
    PassedRow& passed = rows_.Add(byte_rows == nullptr ? nullptr : byte_rows + row * run.row_bytes);
    passed.segment = run.segment;
    passed.number = number;
  }
}

Status ClusterScan::ScanCluster(const ClusterDistance& cluster) {
  VIPER_RETURN_IF_ERROR(ListRuns({&cluster, 1}, 1));
  size_t done = 0;
  for (BlockCursor at(scratch_->runs, block_bytes_); !at.is_done(); at.Advance(), ++done) {
    VIPER_RETURN_IF_ERROR(CheckStop(done));
    ScanBlock(at);
  }
  return {};
}

Status ClusterScan::ScanClusters(std::span<const ClusterDistance> clusters, size_t step) {
  VIPER_RETURN_IF_ERROR(ListRuns(clusters, step));
  BlockCursor at(scratch_->runs, block_bytes_);
  at.Prefetch(BlockCursor::kBlocksAhead);
  for (size_t done = 0; !at.is_done(); at.Advance(), ++done) {
    VIPER_RETURN_IF_ERROR(CheckStop(done));
    at.Prefetch(1);
    ScanBlock(at);
  }
  rows_.CompareWaiting();
  return {};
}

}  // namespace viper::index
