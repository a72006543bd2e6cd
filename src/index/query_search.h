#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "index/cluster_ranking.h"
#include "index/cluster_scan.h"
#include "index/index_search.h"
#include "index/prepared_query.h"

namespace viper::index {

/// Memory that the steps of a search use for a while, for one query after the other. Not
/// thread-safe.
struct SearchScratch {
  ClusterRanker ranker;
  std::vector<float> squared_distances;
  ScanScratch scan;
};

/// One query on its way through the index. Its clusters are scanned by Scan, or by somebody else
/// who has several queries for the same cluster (ScanCluster). Keeps its memory from one query to
/// the next. Not thread-safe.
class QuerySearch {
 public:
  /// Clusters that are scanned before any row is compared.
  static constexpr size_t kOpeningClusters = 4;

  /// Prepare the query, rank the clusters, scan the nearest few, whose best rows give a tight
  /// threshold, and by what they found choose how many are probed. All arguments outlive the
  /// search.
  Status Begin(const IndexSearchRequest& request, std::span<const float> query,
               SearchScratch& scratch, IndexSearchCounts& counts);

  /// The clusters that Begin and Scan go through (PlanProbes): it begins, and lists them.
  Result<std::vector<PlannedProbe>> Plan(const IndexSearchRequest& request,
                                         std::span<const float> query, SearchScratch& scratch);

  /// How many clusters are probed.
  size_t probes() const { return probes_; }
  /// The clusters that are still to be scanned, nearest first.
  std::span<const ClusterDistance> remaining() const { return remaining_; }
  /// Scan one of them. What passes waits for CompareWaiting. Corruption names a damaged one.
  Status ScanCluster(const ClusterDistance& cluster) { return scan_.ScanCluster(cluster); }
  void CompareWaiting() { scan_.CompareWaiting(); }
  /// All of remaining() has been scanned by somebody else.
  void SkipRemaining() { remaining_.clear(); }

  /// Scan what remains, and more clusters until there are k rows or no clusters are left; on
  /// several threads where the request has them and the clusters are worth it.
  Status Scan();
  Result<std::vector<ScoredRow>> TakeNearest() { return scan_.TakeNearest(); }

 private:
  /// A part of the clusters, scanned by one thread beside others: on cache lines of its own.
  struct alignas(64) Share {
    ClusterScan scan;
    ScanScratch scratch;
    IndexSearchCounts counts;
    Status status;
  };

  /// Prepare the query and rank the clusters.
  void Prepare(const IndexSearchRequest& request, std::span<const float> query,
               SearchScratch& scratch);
  /// ProbeDistances::opening
  std::optional<float> OpeningDistance() const;
  size_t ProbeCount(std::optional<float> opening) const;
  /// Make `remaining_` those of the first `count` ranks that it has not been made of before.
  void TakeUpTo(size_t count);
  bool IsTaken(uint32_t cluster) const;
  /// Rank the first `count` clusters, well enough to search them by.
  std::span<const ClusterDistance> Rank(size_t count);
  /// How many shares, one for a thread, these clusters are worth being scanned in.
  size_t SharesOf(std::span<const ClusterDistance> clusters) const;
  Status ScanClusters(std::span<const ClusterDistance> clusters);
  Status ScanShares(std::span<const ClusterDistance> clusters, size_t count);

  const IndexSearchRequest* request_ = nullptr;
  SearchScratch* scratch_ = nullptr;
  IndexSearchCounts* counts_ = nullptr;
  PreparedQuery query_;
  ClusterScan scan_;
  /// Clusters of which some row takes part: there are no others to this search.
  size_t cluster_count_ = 0;
  size_t probes_ = 0;
  std::vector<ClusterDistance> remaining_;
  /// A bit for each cluster of the model.
  std::vector<uint64_t> is_taken_;
  std::vector<Share> shares_;
};

}  // namespace viper::index
