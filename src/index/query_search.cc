#include "index/query_search.h"

#include <algorithm>
#include <optional>

#include "base/status_macros.h"
#include "index/probe_count.h"
#include "index/probe_curve.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

/// Clusters that are ranked before it is known how many are probed.
constexpr size_t kRankedFirst = 16;
constexpr size_t kWordBits = 64;

}  // namespace

Status QuerySearch::Begin(const IndexSearchRequest& request, std::span<const float> query,
                          SearchScratch& scratch, IndexSearchCounts& counts) {
  counts_ = &counts;
  Prepare(request, query, scratch);
  scan_.Start(request, query_, scratch.scan, counts);
  is_taken_.assign((request.model->cluster_count() + kWordBits - 1) / kWordBits, 0);
  const size_t most = request.probes == 0 ? kOpeningClusters : request.probes;
  probes_ = std::min({cluster_count_, kOpeningClusters, most});
  TakeUpTo(probes_);
  VIPER_RETURN_IF_ERROR(scan_.ScanOpening(remaining_));
  probes_ = std::max(probes_, ProbeCount(OpeningDistance()));
  TakeUpTo(probes_);
  return {};
}

void QuerySearch::Prepare(const IndexSearchRequest& request, std::span<const float> query,
                          SearchScratch& scratch) {
  const Model& model = *request.model;
  request_ = &request;
  scratch_ = &scratch;
  cluster_count_ = request.clusters == nullptr ? model.cluster_count() : request.clusters->count();
  query_.Prepare(model, query);
  scratch.ranker.Rank(query_, request.clusters, std::max(kRankedFirst, request.probes));
  scratch.squared_distances.clear();
  AppendProbeDistances(model, query, scratch.ranker.ranked(), scratch.squared_distances);
}

std::optional<float> QuerySearch::OpeningDistance() const {
  // Inner products are no distances from the query.
  if (request_->model->metric() == Metric::kDot || !scan_.has_enough()) return std::nullopt;
  return scan_.threshold();
}

/// Ranks may change places when more of them are refined: which have been taken is told by their
/// clusters.
void QuerySearch::TakeUpTo(size_t count) {
  remaining_.clear();
  for (const ClusterDistance& ranked : Rank(count)) {
    if (IsTaken(ranked.cluster)) continue;
    remaining_.push_back(ranked);
    is_taken_[ranked.cluster / kWordBits] |= uint64_t{1} << (ranked.cluster % kWordBits);
  }
}

bool QuerySearch::IsTaken(uint32_t cluster) const {
  return (is_taken_[cluster / kWordBits] >> (cluster % kWordBits) & 1) != 0;
}

size_t QuerySearch::ProbeCount(std::optional<float> opening) const {
  if (cluster_count_ == 0) return 0;
  if (request_->probes != 0) return std::min(request_->probes, cluster_count_);
  ProbeQuery query;
  query.model = request_->model;
  query.clusters = request_->clusters;
  for (const SearchedSegment& searched : request_->segments) {
    query.row_count += searched.segment->row_count();
  }
  query.ranked = scratch_->ranker.ranked();
  query.squared_distances = scratch_->squared_distances;
  query.opening = opening;
  query.recall = request_->recall;
  query.k = request_->k;
  return CountProbes(query);
}

std::span<const ClusterDistance> QuerySearch::Rank(size_t count) {
  scratch_->ranker.Refine(std::min(cluster_count_, count));
  return scratch_->ranker.ranked().first(count);
}

Result<std::vector<PlannedProbe>> QuerySearch::Plan(const IndexSearchRequest& request,
                                                    std::span<const float> query,
                                                    SearchScratch& scratch) {
  IndexSearchCounts counts;
  VIPER_RETURN_IF_ERROR(Begin(request, query, scratch, counts));
  const double share = request.clusters == nullptr ? 1 : request.clusters->selected_share();
  const double k = static_cast<double>(request.k) / std::max(share, 1e-9);
  const std::vector<float> shares =
      ExpectedShares(request.model->content().probes, scratch.squared_distances, k);
  std::vector<PlannedProbe> planned;
  for (const ClusterDistance& cluster : scratch.ranker.ranked()) {
    if (!IsTaken(cluster.cluster)) continue;
    planned.push_back({cluster.cluster, cluster.value, std::nullopt});
    if (planned.size() <= shares.size()) planned.back().expected_share = shares[planned.size() - 1];
  }
  return planned;
}

size_t QuerySearch::SharesOf(std::span<const ClusterDistance> clusters) const {
  if (request_->pool == nullptr) return 1;
  size_t blocks = 0;
  for (const ClusterDistance& cluster : clusters) {
    for (const SearchedSegment& searched : request_->segments) {
      const size_t all = searched.segment->cluster(cluster.cluster).block_count;
      const ScanMask* mask = searched.mask;
      blocks += mask == nullptr ? all : std::min<size_t>(all, mask->SelectedIn(cluster.cluster));
    }
  }
  const size_t bytes = blocks * kernels::BlockBytes(request_->model->planes());
  const size_t shares = bytes / request_->share_bytes;
  return std::max<size_t>(1, std::min({shares, clusters.size(), request_->pool->thread_count()}));
}

Status QuerySearch::ScanClusters(std::span<const ClusterDistance> clusters) {
  const size_t count = SharesOf(clusters);
  return count == 1 ? scan_.ScanClusters(clusters, 1) : ScanShares(clusters, count);
}

/// Clusters go to the shares in turn: each gets near ones first, and its threshold falls early. It
/// is its own, so that what is found does not depend on which thread is faster.
Status QuerySearch::ScanShares(std::span<const ClusterDistance> clusters, size_t count) {
  if (shares_.size() < count) shares_.resize(count);
  const std::span<Share> shares = std::span(shares_).first(count);
  for (Share& share : shares) {
    share.counts = {};
    share.scan.StartShare(scan_, share.scratch, share.counts);
  }
  request_->pool->ParallelFor(count, [&](size_t i) {
    shares[i].status = shares[i].scan.ScanClusters(clusters.subspan(i), count);
  });
  for (const Share& share : shares) {
    VIPER_RETURN_IF_ERROR(share.status);
    scan_.Merge(share.scan);
    counts_->Add(share.counts);
  }
  return {};
}

Status QuerySearch::Scan() {
  VIPER_RETURN_IF_ERROR(ScanClusters(remaining_));
  const size_t count = cluster_count_;
  if (!scan_.has_enough() && probes_ < count) {
    scratch_->ranker.Rank(query_, request_->clusters, count);
  }
  while (!scan_.has_enough() && probes_ < count) {
    probes_ = std::min(count, 2 * probes_);
    TakeUpTo(probes_);
    VIPER_RETURN_IF_ERROR(ScanClusters(remaining_));
  }
  counts_->probed_clusters += probes_;
  return {};
}

}  // namespace viper::index
