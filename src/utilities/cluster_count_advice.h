#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "utilities/vector_partitions.h"
#include "viper/optimization.h"
#include "viper/result.h"

namespace viper::utilities {

/// Fewer rows of a sample for each cluster say nothing about a number of clusters: it is not tried.
inline constexpr uint64_t kTrialRowsPerCluster = 20;

struct ClusterTrialOptions {
  /// Of the whole collection.
  uint64_t rows = 0;
  /// Share of the 10 nearest to be found on average. Above 0, below 1.
  double recall = 0.95;
  /// Of the index, if there is one.
  std::optional<uint64_t> current_clusters = {};
  uint64_t seed = 0;
};

/// Try numbers of clusters with a sample of rows (Euclidean; under cosine of length 1): for each,
/// k-means of the sample; queries are some of its rows, each apart from itself; the truth are their
/// 10 nearest in the sample. Clusters are looked into in the order of their centroids' distances,
/// as many of them for all queries as the wanted recall takes on average.
Result<ClusterCountAdvice> TryClusterCounts(const VectorRows& sample,
                                            const ClusterTrialOptions& options);

}  // namespace viper::utilities
