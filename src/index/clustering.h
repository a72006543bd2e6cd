#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "index/centroid_levels.h"
#include "index/centroid_list.h"
#include "platform/thread_pool.h"
#include "viper/result.h"

namespace viper::index {

/// A flat list of centroids, with what finds the nearest one fast. A value; immutable; thread-safe.
class Clustering {
 public:
  Clustering() = default;

  size_t dim() const { return centroids_.dim(); }
  /// May be less than was asked for, never more; 0 only of a default-constructed one.
  size_t cluster_count() const { return centroids_.count(); }
  /// cluster_count x dim, row-major.
  std::span<const float> centroids() const { return centroids_.vectors(); }

  /// clusters[i] = the nearest centroid (squared L2; of equally near ones the lower) of row i, for
  /// `row_count x dim` finite floats, row-major. Of many centroids only some are compared with a
  /// row, so that a few rows in a hundred end at one of the next nearest. What a row gets does not
  /// depend on the rows that are passed along with it; passing many at once is several times as
  /// fast. `squared_distances` (row_count, may be null): to that centroid.
  void Assign(const float* rows, size_t row_count, uint32_t* clusters,
              float* squared_distances) const;
  /// The same against all centroids.
  void AssignExactly(const float* rows, size_t row_count, uint32_t* clusters,
                     float* squared_distances) const;

 private:
  friend Clustering MakeClustering(std::vector<float> centroids, size_t dim);
  void MeasureDistances(const float* rows, size_t row_count, const uint32_t* clusters,
                        float* squared_distances) const;

  CentroidList centroids_;
  CentroidLevels levels_;
};

struct ClusteringOptions {
  /// Wanted, 1 or more.
  size_t cluster_count = 1;
  uint64_t seed = 0;
  /// Null = this thread.
  ThreadPool* pool = nullptr;
  /// Told the share done, 0 to 1, now and then, on the thread that trains; false cancels. May be
  /// empty.
  std::function<bool(double)> progress = nullptr;
};

/// Find centroids of `row_count x dim` finite floats, row-major: a sample of 64 to 128 rows for
/// each centroid is enough. Determined by the sample, the count and the seed, whatever the pool.
/// Fewer clusters come out where the sample has fewer distinct rows than were asked for.
/// InvalidArgument: no rows, no dim or no clusters; Cancelled: `progress` said so.
Result<Clustering> TrainClustering(const float* sample, size_t row_count, size_t dim,
                                   const ClusteringOptions& options);

/// Bytes that TrainClustering takes at most, the sample included, with so many threads.
size_t ClusteringBytes(size_t row_count, size_t cluster_count, size_t dim, size_t thread_count);

/// The clustering with these centroids (count x dim, row-major, finite; at least one), determined
/// by them alone, so that a stored one needs nothing else.
Clustering MakeClustering(std::vector<float> centroids, size_t dim);

}  // namespace viper::index
