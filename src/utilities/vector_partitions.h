#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "viper/partitioner.h"
#include "viper/result.h"

namespace viper::utilities {

/// Rows of floats, row-major. Not owned.
struct VectorRows {
  std::span<const float> floats;
  size_t dim = 0;

  size_t count() const { return dim == 0 ? 0 : floats.size() / dim; }
  const float* row(size_t i) const { return floats.data() + i * dim; }
};

/// Places of rows.
using RowGroup = std::vector<uint32_t>;

/// Squared Euclidean distance, in double precision.
double SquaredDistance(const float* a, const float* b, size_t dim);
/// The mean of these rows, at least one.
std::vector<float> MeanOf(const VectorRows& rows, std::span<const uint32_t> group);

/// The floats of these rows, one after the other.
std::vector<float> GatherRows(const VectorRows& rows, std::span<const uint32_t> group);

/// Split rows, at least one, by k-means (kKMeans, kMiniBatchKMeans) or density, and bring every
/// group within the bounds. Joining: the smallest group below `rows_min` goes to the one with the
/// nearest mean, until there is none. Splitting: a group above `rows_max` is cut by 2-means of its
/// own rows, or, where a part would be too small, at the median between the two means; so its rows
/// stay among themselves.
Result<std::vector<RowGroup>> SplitByVectors(const VectorRows& rows,
                                             const PartitioningConfig& config);

/// Fill in centroids and distances, and the silhouette.
void MeasurePartitions(const VectorRows& rows, PartitionPlan& plan);

}  // namespace viper::utilities
