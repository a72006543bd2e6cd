// The road of a query (no locks): prepare and rotate it; rank the centroids by their
// codes, the best of them by their bytes; scan the codes of the nearest clusters block by block;
// compare those rows whose lower bound is below the k-th best so far with their byte rows; read the
// floats of the few that are left. Each step reads less than a tenth of what the one before let
// through, and asks for its memory before it is needed.
//
// After the nearest clusters the rest of a query may be divided among threads: each gets a share of
// the clusters and goes by the threshold that was reached; what they hold is put together, and the
// last step is one thread's again.
//
// A batch shares the scan: its queries prepare and open one by one, then every cluster that is left
// to probe is read once for all queries that probe it.

#include "index/index_search.h"

#include <algorithm>
#include <numeric>

#include <fmt/core.h>

#include "base/assert.h"
#include "base/status_macros.h"
#include "index/query_search.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

constexpr size_t kLineBytes = 64;
/// As measured: two queries in a cluster are even, eight are a third faster.
constexpr size_t kQueriesPerCluster = 3;
/// Clusters whose codes are asked for ahead of the one being scanned.
constexpr size_t kClustersAhead = 2;
/// Queries that are kept in hand at a time; each takes some kilobytes.
constexpr size_t kQueriesTogether = 256;
/// Rows that a search may ask for in all without giving back its memory in the end: threads live
/// longer than collections, and nobody counts what they keep.
constexpr size_t kRowsKept = size_t{64} << 10;

/// A cluster that a query of the batch probes.
struct Probe {
  ClusterDistance cluster;
  uint32_t query = 0;
};

class BatchSearch {
 public:
  /// What a thread keeps between searches, so that they allocate nothing.
  static BatchSearch& OfThread() {
    static thread_local BatchSearch search;
    return search;
  }

  /// Search for the queries of a request, and append their rows to `found`.
  Status Run(const IndexSearchRequest& request, IndexSearchCounts& counts,
             std::vector<std::vector<ScoredRow>>& found) {
    const size_t dim = request.model->dim();
    while (found.size() < request.query_count) {
      const size_t first = found.size();
      size_t count = std::min(request.query_count - first, kQueriesTogether);
      if (!IsWorthSharing(count, request.model->cluster_count())) count = 1;
      if (searches_.size() < count) searches_.resize(count);
      const std::span<QuerySearch> searches = std::span(searches_).first(count);
      for (size_t i = 0; i < count; ++i) {
        const auto query = request.queries.subspan((first + i) * dim, dim);
        VIPER_RETURN_IF_ERROR(searches[i].Begin(request, query, scratch_, counts));
      }
      if (count > 1) VIPER_RETURN_IF_ERROR(ScanTogether(request, searches));
      for (QuerySearch& search : searches) {
        VIPER_RETURN_IF_ERROR(search.Scan());
        VIPER_ASSIGN_OR_RETURN(found.emplace_back(), search.TakeNearest());
      }
      last_probes_ = searches.front().probes();
    }
    return {};
  }

 private:
  /// Whether so many queries, if they are like the last one, meet often enough in a cluster: less
  /// often, going from query to query costs more than reading the codes again.
  bool IsWorthSharing(size_t query_count, size_t cluster_count) const {
    return query_count * last_probes_ >= kQueriesPerCluster * cluster_count;
  }

  /// Scan what remains of all queries, cluster by cluster. The memory of codes is asked for some
  /// clusters ahead; the rows that passed are compared a cluster later, when theirs is there.
  Status ScanTogether(const IndexSearchRequest& request, std::span<QuerySearch> searches) {
    SortProbes(request.model->cluster_count(), searches);
    std::span<const Probe> before;
    size_t ahead = 0;
    size_t clusters_ahead = 0;
    for (size_t first = 0; first < probes_.size();) {
      const std::span<const Probe> probes = ProbesOfCluster(first);
      for (; clusters_ahead <= kClustersAhead && ahead < probes_.size(); ++clusters_ahead) {
        const std::span<const Probe> next = ProbesOfCluster(ahead);
        Prefetch(request, next.front().cluster.cluster);
        ahead += next.size();
      }
      --clusters_ahead;
      VIPER_RETURN_IF_ERROR(ScanCluster(probes, searches));
      for (const Probe& probe : before) searches[probe.query].CompareWaiting();
      before = probes;
      first += probes.size();
    }
    for (QuerySearch& search : searches) {
      search.CompareWaiting();
      search.SkipRemaining();
    }
    return {};
  }

  /// Those of the cluster of `first`, which is its first one.
  std::span<const Probe> ProbesOfCluster(size_t first) const {
    size_t last = first;
    while (last < probes_.size() &&
           probes_[last].cluster.cluster == probes_[first].cluster.cluster) {
      ++last;
    }
    return std::span(probes_).subspan(first, last - first);
  }

  /// All probes, by cluster.
  void SortProbes(size_t cluster_count, std::span<const QuerySearch> searches) {
    places_.assign(cluster_count + 1, 0);
    for (const QuerySearch& search : searches) {
      for (const ClusterDistance& cluster : search.remaining()) ++places_[cluster.cluster + 1];
    }
    std::partial_sum(places_.begin(), places_.end(), places_.begin());
    probes_.resize(places_.back());
    for (uint32_t query = 0; query < searches.size(); ++query) {
      for (const ClusterDistance& cluster : searches[query].remaining()) {
        probes_[places_[cluster.cluster]++] = {cluster, query};
      }
    }
  }

  /// Ask for the codes of a cluster, while the one before is scanned.
  static void Prefetch(const IndexSearchRequest& request, uint32_t cluster) {
    for (const SearchedSegment& searched : request.segments) {
      const ClusterView& view = searched.segment->cluster(cluster);
      if (searched.mask != nullptr && searched.mask->SelectedIn(cluster) == 0) continue;
      const size_t bytes = view.block_count * kernels::BlockBytes(request.model->planes());
      for (size_t i = 0; i < bytes; i += kLineBytes) __builtin_prefetch(view.blocks + i, 0, 2);
    }
  }

  /// Scan one cluster for all queries that probe it. One query after the other: its tables stay in
  /// the first-level cache for all blocks of the cluster, which come from the second.
  Status ScanCluster(std::span<const Probe> probes, std::span<QuerySearch> searches) {
    for (const Probe& probe : probes) {
      VIPER_RETURN_IF_ERROR(searches[probe.query].ScanCluster(probe.cluster));
    }
    return {};
  }

  SearchScratch scratch_;
  /// Of the query before.
  size_t last_probes_ = 0;
  std::vector<QuerySearch> searches_;
  std::vector<Probe> probes_;
  std::vector<size_t> places_;
};

}  // namespace

Result<std::vector<std::vector<ScoredRow>>> IndexSearch(const IndexSearchRequest& request,
                                                        IndexSearchCounts* counts) {
  VIPER_ASSERT(request.queries.size() == request.query_count * request.model->dim());
  IndexSearchCounts unused;
  if (request.k == 0 || request.segments.empty()) {
    return std::vector<std::vector<ScoredRow>>(request.query_count);
  }
  std::vector<std::vector<ScoredRow>> found;
  found.reserve(request.query_count);
  BatchSearch& search = BatchSearch::OfThread();
  const Status status = search.Run(request, counts == nullptr ? unused : *counts, found);
  const size_t together = std::min(request.query_count, kQueriesTogether);
  if (together > 0 && request.k > kRowsKept / together) search = BatchSearch();
  VIPER_RETURN_IF_ERROR(status);
  return found;
}

Result<std::vector<PlannedProbe>> PlanProbes(const IndexSearchRequest& request) {
  VIPER_ASSERT(request.queries.size() == request.model->dim());
  SearchScratch scratch;
  return QuerySearch().Plan(request, request.queries, scratch);
}

}  // namespace viper::index
