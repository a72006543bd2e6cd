#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/block_cursor.h"
#include "index/candidate_rows.h"
#include "index/cluster_ranking.h"
#include "index/index_search.h"
#include "index/prepared_query.h"
#include "index/smallest_picker.h"

namespace viper::index {

/// Memory that the steps of a search use for a while, for one query after the other. Not
/// thread-safe.
struct SearchScratch {
  ClusterRanker ranker;
  std::vector<float> squared_distances;
  std::vector<BlockRun> runs;
  std::vector<float> values;
  SmallestPicker picker;
};

/// One query on its way through the index. Its clusters are scanned by Scan, or by somebody else
/// who has several queries for the same cluster (ScanCluster). Keeps its memory from one query to
/// the next. Not thread-safe.
class QuerySearch {
 public:
  /// Prepare the query, rank the clusters, choose how many are probed, and scan the nearest few:
  /// their best rows give a tight threshold. All arguments outlive the search.
  Status Begin(const IndexSearchRequest& request, std::span<const float> query,
               SearchScratch& scratch, IndexSearchCounts& counts);

  /// The clusters that Begin and Scan would go through (PlanProbes).
  std::vector<PlannedProbe> Plan(const IndexSearchRequest& request, std::span<const float> query,
                                 SearchScratch& scratch);

  /// How many clusters are probed.
  size_t probes() const { return probes_; }
  /// The clusters that are still to be scanned, nearest first.
  std::span<const ClusterDistance> remaining() const { return remaining_; }
  /// Scan one of them. What passes waits for CompareWaiting. Corruption names a damaged one.
  Status ScanCluster(const ClusterDistance& cluster);
  void CompareWaiting() { rows_.CompareWaiting(); }
  /// All of remaining() has been scanned by somebody else.
  void SkipRemaining() { remaining_.clear(); }

  /// Scan what remains, and more clusters until there are k rows or no clusters are left.
  Status Scan();
  Result<std::vector<ScoredRow>> TakeNearest() { return rows_.TakeNearest(); }

 private:
  /// Prepare the query, rank the clusters and choose how many are probed: these.
  std::span<const ClusterDistance> ChooseProbes(const IndexSearchRequest& request,
                                                std::span<const float> query,
                                                SearchScratch& scratch);
  size_t ProbeCount() const;
  /// Rank the first `count` clusters exactly.
  std::span<const ClusterDistance> Rank(size_t count);
  Status AppendRuns(const ClusterDistance& cluster);
  Status ListRuns(std::span<const ClusterDistance> clusters);
  Status ScanOpening(std::span<const ClusterDistance> clusters);
  void TakePicked();
  Status ScanClusters(std::span<const ClusterDistance> clusters);
  Status CheckStop(size_t done_blocks) const;
  uint32_t SparseRowsMax(size_t row_bytes) const;
  /// As kernels::KernelTable::scan_block.
  uint64_t ScanCodes(const BlockCursor& at, float threshold, float* values);
  void ScanBlock(const BlockCursor& at);
  void TakeRows(const BlockRun& run, size_t block, uint64_t mask);

  const IndexSearchRequest* request_ = nullptr;
  SearchScratch* scratch_ = nullptr;
  IndexSearchCounts* counts_ = nullptr;
  size_t block_bytes_ = 0;
  float error_share_ = 0;
  PreparedQuery query_;
  CandidateRows rows_;
  /// Clusters of which some row takes part: there are no others to this search.
  size_t cluster_count_ = 0;
  size_t probes_ = 0;
  std::vector<ClusterDistance> remaining_;
};

}  // namespace viper::index
