#include "index/query_search.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/coding.h"
#include "base/status_macros.h"
#include "index/probe_curve.h"
#include "index/row_code.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

using kernels::kBlockRows;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
/// Clusters that are scanned before any row is compared: their best rows give a tight threshold.
constexpr size_t kFirstClusters = 4;
/// Rows that are compared first, at least.
constexpr size_t kFirstRows = 16;
/// Clusters that are ranked before it is known how many are probed.
constexpr size_t kRankedFirst = 16;

/// Standard deviations of the error of 1-bit codes that bounds allow for: each row is lost with the
/// probability that the rest of the normal distribution has, and only one that is near the k-th.
float DeviationsFor(double recall) {
  if (recall <= 0.95) return 1.65F;
  if (recall <= 0.98) return 1.8F;
  if (recall <= 0.99) return 1.95F;
  return 2.5F;
}

}  // namespace

Status QuerySearch::Begin(const IndexSearchRequest& request, std::span<const float> query,
                          SearchScratch& scratch, IndexSearchCounts& counts) {
  counts_ = &counts;
  const auto probed = ChooseProbes(request, query, scratch);
  rows_.Start(request, query_, counts);
  const size_t opening = std::min(probes_, kFirstClusters);
  remaining_.assign(probed.begin() + static_cast<ptrdiff_t>(opening), probed.end());
  return ScanOpening(probed.first(opening));
}

std::span<const ClusterDistance> QuerySearch::ChooseProbes(const IndexSearchRequest& request,
                                                           std::span<const float> query,
                                                           SearchScratch& scratch) {
  const Model& model = *request.model;
  request_ = &request;
  scratch_ = &scratch;
  block_bytes_ = kernels::BlockBytes(model.planes());
  error_share_ = ErrorShare(model.code_dim(), DeviationsFor(request.recall));
  query_.Prepare(model, query);
  scratch.ranker.Rank(query_, std::max(kRankedFirst, request.probes));
  probes_ = ProbeCount();
  return Rank(probes_);
}

std::vector<PlannedProbe> QuerySearch::Plan(const IndexSearchRequest& request,
                                            std::span<const float> query, SearchScratch& scratch) {
  const Model& model = *request.model;
  const auto probed = ChooseProbes(request, query, scratch);
  scratch.squared_distances.clear();
  AppendProbeDistances(model, query, scratch.ranker.ranked(), scratch.squared_distances);
  const std::vector<float> shares =
      ExpectedShares(model.content().probes, scratch.squared_distances, EffectiveK());
  std::vector<PlannedProbe> planned;
  for (const ClusterDistance& cluster : probed) {
    planned.push_back({cluster.cluster, cluster.value, std::nullopt});
    if (planned.size() <= shares.size()) planned.back().expected_share = shares[planned.size() - 1];
  }
  return planned;
}

std::span<const ClusterDistance> QuerySearch::Rank(size_t count) {
  // A margin, since the order near the last one decides which are in.
  scratch_->ranker.Refine(std::min(request_->model->cluster_count(), count + count / 4));
  return scratch_->ranker.ranked().first(count);
}

size_t QuerySearch::ProbeCount() {
  const Model& model = *request_->model;
  if (request_->probes != 0) return std::min(request_->probes, model.cluster_count());
  scratch_->squared_distances.clear();
  AppendProbeDistances(model, query_.plain(), scratch_->ranker.ranked(),
                       scratch_->squared_distances);
  return ProbesFor(model.content().probes, scratch_->squared_distances, request_->recall,
                   EffectiveK(), model.cluster_count());
}

double QuerySearch::EffectiveK() const {
  return static_cast<double>(request_->k) / std::max(request_->selected_share, 1e-9);
}

Status QuerySearch::AppendRuns(const ClusterDistance& cluster) {
  const bool is_dot = request_->model->metric() == Metric::kDot;
  const float spread =
      std::sqrt(is_dot ? query_.squared_norm() : std::max(0.0F, cluster.value));
  for (uint32_t i = 0; i < request_->segments.size(); ++i) {
    const Segment& segment = *request_->segments[i].segment;
    const ClusterView& view = segment.cluster(cluster.cluster);
    if (view.row_count == 0) continue;
    VIPER_RETURN_IF_ERROR(segment.CheckCluster(cluster.cluster));
    counts_->scanned_rows += view.row_count;
    scratch_->runs.push_back({&view, i, cluster.value, query_.centre() + error_share_ * spread});
  }
  return {};
}

Status QuerySearch::ListRuns(std::span<const ClusterDistance> clusters) {
  scratch_->runs.clear();
  for (const ClusterDistance& cluster : clusters) {
    VIPER_RETURN_IF_ERROR(AppendRuns(cluster));
  }
  return {};
}

kernels::BlockBound QuerySearch::BoundOf(const BlockRun& run, float threshold) const {
  return {query_.table().scale, run.shift, run.base, threshold};
}

/// Scan the nearest clusters, compare the most promising rows, then the others that still may
/// count.
Status QuerySearch::ScanOpening(std::span<const ClusterDistance> clusters) {
  VIPER_RETURN_IF_ERROR(ListRuns(clusters));
  const auto scan = kernels::Active().scan_block;
  const size_t planes = request_->model->planes();
  std::vector<float>& values = scratch_->values;
  values.clear();
  BlockCursor at(scratch_->runs, block_bytes_);
  for (at.Prefetch(BlockCursor::kBlocksAhead); !at.is_done(); at.Advance()) {
    at.Prefetch(1);
    values.resize(values.size() + kBlockRows);
    scan(at.bytes(), planes, query_.table().entries, BoundOf(at.run(), kInfinity),
         values.data() + values.size() - kBlockRows);
  }
  scratch_->picker.Pick(values, std::max(kFirstRows, request_->k + request_->k / 2));
  TakePicked();
  scratch_->picker.TakeUpTo(values, rows_.threshold());
  TakePicked();
  return {};
}

/// Compare the rows that the picker holds, and not again.
void QuerySearch::TakePicked() {
  size_t block = 0;
  for (BlockCursor at(scratch_->runs, block_bytes_); !at.is_done(); at.Advance(), ++block) {
    const uint64_t mask = scratch_->picker.masks()[block];
    if (mask == 0) continue;
    TakeRows(at.run(), at.block(), mask);
    float* values = scratch_->values.data() + block * kBlockRows;
    for (uint64_t bits = mask; bits != 0; bits &= bits - 1) {
      values[std::countr_zero(bits)] = kInfinity;
    }
  }
  rows_.CompareWaiting();
}

void QuerySearch::ScanBlock(const BlockRun& run, size_t block) {
  alignas(64) float values[kBlockRows];
  const uint64_t mask = kernels::Active().scan_block(
      run.cluster->blocks + block * block_bytes_, request_->model->planes(),
      query_.table().entries, BoundOf(run, rows_.threshold()), values);
  if (mask != 0) TakeRows(run, block, mask);
}

/// Let the rows of a block go on that the mask holds and the selection allows.
void QuerySearch::TakeRows(const BlockRun& run, size_t block, uint64_t mask) {
  const SearchedSegment& searched = request_->segments[run.segment];
  const size_t row_bytes = ByteRowBytes(searched.segment->byte_rows(), *request_->model);
  for (; mask != 0; mask &= mask - 1) {
    const size_t row = block * kBlockRows + static_cast<size_t>(std::countr_zero(mask));
    PassedRow passed;
    passed.segment = run.segment;
    passed.number = run.cluster->numbers + row * sizeof(uint32_t);
    if (searched.selection != nullptr &&
        !searched.selection->Test(LoadFixed<uint32_t>(passed.number))) {
      continue;
    }
    if (row_bytes != 0) passed.byte_row = run.cluster->byte_rows + row * row_bytes;
    rows_.Add(passed);
  }
}

Status QuerySearch::ScanCluster(const ClusterDistance& cluster) {
  VIPER_RETURN_IF_ERROR(ListRuns({&cluster, 1}));
  for (BlockCursor at(scratch_->runs, block_bytes_); !at.is_done(); at.Advance()) {
    ScanBlock(at.run(), at.block());
  }
  return {};
}

Status QuerySearch::ScanClusters(std::span<const ClusterDistance> clusters) {
  VIPER_RETURN_IF_ERROR(ListRuns(clusters));
  BlockCursor at(scratch_->runs, block_bytes_);
  for (at.Prefetch(BlockCursor::kBlocksAhead); !at.is_done(); at.Advance()) {
    at.Prefetch(1);
    ScanBlock(at.run(), at.block());
  }
  rows_.CompareWaiting();
  return {};
}

Status QuerySearch::Scan() {
  VIPER_RETURN_IF_ERROR(ScanClusters(remaining_));
  const size_t count = request_->model->cluster_count();
  if (!rows_.are_enough() && probes_ < count) scratch_->ranker.Rank(query_, count);
  while (!rows_.are_enough() && probes_ < count) {
    const size_t done = std::exchange(probes_, std::min(count, 2 * probes_));
    VIPER_RETURN_IF_ERROR(ScanClusters(Rank(probes_).subspan(done)));
  }
  counts_->probed_clusters += probes_;
  return {};
}

}  // namespace viper::index
