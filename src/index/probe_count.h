#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "index/cluster_ranking.h"
#include "index/model.h"
#include "index/scan_mask.h"

namespace viper::index {

/// A query that wants to know how many clusters to probe.
struct ProbeQuery {
  const Model* model = nullptr;
  /// Clusters that are left of the model's; null = all of them, whole.
  const ClusterSelection* clusters = nullptr;
  /// Rows of all clusters, if all are left.
  uint64_t row_count = 0;
  /// The nearest of the clusters that are left, nearest first, and their squared distances as probe
  /// curves go by.
  std::span<const ClusterDistance> ranked;
  std::span<const float> squared_distances;
  /// As ProbeDistances.
  std::optional<float> opening;
  double recall = 0.95;
  size_t k = 0;
};

/// How many of the clusters that are left are to be probed to find a share of `recall` of the k
/// nearest rows that take part. Goes by the share of the rows near the query that take part: where
/// they are few, more clusters are probed. At least 1, unless none is left.
size_t CountProbes(const ProbeQuery& query);

}  // namespace viper::index
