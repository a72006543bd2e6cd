#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "index/model.h"
#include "index/probe_curve.h"

namespace viper::core {

/// What the cost of searching through the index is estimated from.
struct IndexWork {
  /// Clusters of the model; of them those with a row that takes part; how many of those a query is
  /// expected to look into.
  size_t clusters = 0;
  size_t selected_clusters = 0;
  double probes = 0;
  /// Rows in segments that take part, and the blocks of codes that hold them.
  uint64_t selected_rows = 0;
  uint64_t blocks = 0;
  /// Bytes of a block of codes, and of a row of the second stage (of its floats without one).
  size_t block_bytes = 0;
  size_t row_bytes = 0;
};

/// What the cost of a search is estimated from.
struct SearchWork {
  size_t dim = 0;
  size_t query_count = 1;
  size_t k = 0;
  /// Physical rows, and those that take part.
  uint64_t rows = 0;
  uint64_t selected_rows = 0;
  /// Absent without an index.
  std::optional<IndexWork> index;
};

/// Estimated nanoseconds of one thread for all queries.
struct PlanCosts {
  /// Compare the queries with every row that takes part.
  double exact_ns = 0;
  /// Through the index, and exactly with the rows that are in no segment. Absent without an index.
  std::optional<double> index_ns;

  bool index_is_cheaper() const { return index_ns && *index_ns < exact_ns; }
};

/// The costs of both ways. Masks and the skipping of clusters and blocks follow from the selection
/// and are part of the second.
PlanCosts EstimateCosts(const SearchWork& work);

/// Squared distances from a typical query to its nearest centroids, rising, as probe curves go by:
/// the mean over some centroids taken for queries.
std::vector<float> TypicalProbeDistances(const index::Model& model);

/// Clusters that a query with these distances is expected to look into. `k` as in ProbeCounter.
double ExpectedProbes(const index::Model& model, const std::vector<float>& squared_distances,
                      const index::ProbeGoal& goal, double k);

}  // namespace viper::core
