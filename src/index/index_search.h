#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bitmap.h"
#include "base/held_floats.h"
#include "base/stop_signal.h"
#include "index/model.h"
#include "index/scan_mask.h"
#include "index/segment.h"
#include "index/top_rows.h"
#include "platform/thread_pool.h"
#include "viper/result.h"

namespace viper::index {

/// A segment as one search sees it.
struct SearchedSegment {
  const Segment* segment = nullptr;
  /// First number of its rows in the caller's numbering.
  uint64_t first_row = 0;
  /// Which of its rows are looked at: null = all.
  const ScanMask* mask = nullptr;
  /// Which of those may be answers, where the mask is older than what is wanted: bit i for row i of
  /// the segment. Asked of the few rows whose codes are near enough. Null = all.
  const Bitmap* selection = nullptr;
};

/// Codes that take about 100 us to scan. As measured, handing them to a waiting thread and looser
/// thresholds cost 30 to 50 us; half as many save a tenth to a fifth of the time of a query.
constexpr size_t kShareBytes = size_t{512} << 10;

struct IndexSearchRequest {
  const Model* model = nullptr;
  std::span<const SearchedSegment> segments;
  /// `query_count x dim`, row-major, finite.
  std::span<const float> queries;
  size_t query_count = 1;
  size_t k = 0;
  /// Share of the true k nearest to find, in (0, 1): how many clusters are probed and how far the
  /// bounds of codes are trusted follow from it.
  double recall = 0.95;
  /// What the masks leave of each cluster, if there are any: clusters without a row are as if they
  /// were not there. Null = all rows take part.
  const ClusterSelection* clusters = nullptr;
  /// Clusters to probe, in place of what `recall` says; 0 = by recall. Only those count of which
  /// some row takes part.
  size_t probes = 0;
  /// Read the floats of at most so many rows (k, if that is more), the best by their byte rows; 0 =
  /// of all whose bounds allow it. Without byte rows it means nothing.
  size_t rerank = 0;
  /// Asked between blocks. Null = the search runs to its end.
  const StopSignal* stop = nullptr;
  /// Floats of a row (the caller's numbering); fails for a damaged page.
  std::function<Result<HeldFloats>(uint64_t row)> floats;
  /// As in ExactSearchRequest.
  TieLess tie_less;
  /// Threads among which the clusters of a query are divided, as many as get `share_bytes` of codes
  /// each. How many they are may decide which rows are lost to the bounds of codes; which of them
  /// is faster does not. Null = each query stays on the calling thread.
  ThreadPool* pool = nullptr;
  size_t share_bytes = kShareBytes;
};

/// What a search did.
struct IndexSearchCounts {
  uint64_t probed_clusters = 0;
  /// Rows of the blocks whose codes were scanned; that passed the bound of their code; whose floats
  /// were read.
  uint64_t scanned_rows = 0;
  uint64_t byte_rows = 0;
  uint64_t exact_rows = 0;

  void Add(const IndexSearchCounts& other) {
    probed_clusters += other.probed_clusters;
    scanned_rows += other.scanned_rows;
    byte_rows += other.byte_rows;
    exact_rows += other.exact_rows;
  }
};

/// The nearest selected rows of the clusters probed, for each query: best first, at most k, with
/// exact distances (ExactDistance). Fewer than k only if fewer than k rows are selected: then every
/// cluster has been probed. Queries of one call share the reading of clusters that several of them
/// probe; a query's clusters do not depend on the others. `counts` (of all queries together) may be
/// null. Corruption names a damaged cluster; else fails as `floats` and `stop` do. Thread-safe.
Result<std::vector<std::vector<ScoredRow>>> IndexSearch(const IndexSearchRequest& request,
                                                        IndexSearchCounts* counts);

/// A cluster that a search would scan.
struct PlannedProbe {
  uint32_t cluster = 0;
  /// As ClusterDistance::value.
  float value = 0;
  /// Estimated share of the k nearest that lie in it; absent where no curve tells.
  std::optional<float> expected_share;
};

/// The clusters that IndexSearch would scan for this request of one query, in its order; it goes on
/// to more only if they hold fewer than k selected rows. Scans the nearest few of them, since how
/// many are probed depends on what lies there; fails as IndexSearch does. Thread-safe.
Result<std::vector<PlannedProbe>> PlanProbes(const IndexSearchRequest& request);

}  // namespace viper::index
