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

/// Memory that scans use for a while, one after the other. Not thread-safe.
struct ScanScratch {
  std::vector<BlockRun> runs;
  std::vector<float> values;
  SmallestPicker picker;
};

/// Scans the codes of clusters for one query, and holds the rows that may be among its nearest.
/// Keeps its memory from one query to the next. Not thread-safe.
class ClusterScan {
 public:
  /// All outlive the scan.
  void Start(const IndexSearchRequest& request, PreparedQuery& query, ScanScratch& scratch,
             IndexSearchCounts& counts);
  /// Start to scan a share of what `whole` has still to scan, from the threshold that it has
  /// reached. Shares may then scan at the same time, each on one thread.
  void StartShare(const ClusterScan& whole, ScanScratch& scratch, IndexSearchCounts& counts);
  /// Take in the rows of a share.
  void Merge(const ClusterScan& share) { rows_.Merge(share.rows_); }

  /// Scan the nearest clusters, compare the most promising rows, then the others that still may
  /// count. Corruption names a damaged cluster, here and below.
  Status ScanOpening(std::span<const ClusterDistance> clusters);
  /// Scan every `step`-th of these clusters, from the first on, and compare what passes.
  Status ScanClusters(std::span<const ClusterDistance> clusters, size_t step);
  /// Scan one cluster. What passes waits for CompareWaiting.
  Status ScanCluster(const ClusterDistance& cluster);
  void CompareWaiting() { rows_.CompareWaiting(); }

  /// What a row's lower bound must not be above: once there are k rows, about the squared distance
  /// of the k-th.
  float threshold() const { return rows_.threshold(); }
  /// Whether k rows are held.
  bool has_enough() const { return rows_.are_enough(); }
  Result<std::vector<ScoredRow>> TakeNearest() { return rows_.TakeNearest(); }

 private:
  Status AppendRuns(const ClusterDistance& cluster);
  Status ListRuns(std::span<const ClusterDistance> clusters, size_t step);
  void TakePicked();
  Status CheckStop(size_t done_blocks) const;
  uint32_t SparseRowsMax(size_t row_bytes) const;
  /// As kernels::KernelTable::scan_block.
  uint64_t ScanCodes(const BlockCursor& at, float threshold, float* values);
  void ScanBlock(const BlockCursor& at);
  void TakeRows(const BlockRun& run, size_t block, uint64_t mask);

  const IndexSearchRequest* request_ = nullptr;
  PreparedQuery* query_ = nullptr;
  ScanScratch* scratch_ = nullptr;
  IndexSearchCounts* counts_ = nullptr;
  size_t block_bytes_ = 0;
  float error_share_ = 0;
  CandidateRows rows_;
};

}  // namespace viper::index
