#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/held_floats.h"
#include "index/clustering.h"
#include "index/model.h"
#include "index/segment.h"
#include "platform/thread_pool.h"
#include "viper/result.h"

namespace viper::index {

/// Making a model from rows: mean, scale, centroids, and, once segments exist, the probe model.

/// How many clusters for so many rows.
size_t ClusterCountFor(uint64_t row_count, size_t dim);
/// How many rows to train on.
size_t SampleRowsFor(uint64_t row_count, size_t cluster_count);

/// How much is trained.
struct TrainingSize {
  size_t cluster_count = 0;
  size_t sample_rows = 0;
};
/// Bytes that TrainModel takes at most, the sample included.
size_t TrainingBytes(const TrainingSize& size, size_t dim, size_t thread_count);
/// What to train for so many rows: the counts above if they fit into the memory; else a smaller
/// sample, of at least 64 rows for each cluster; else fewer clusters. ResourceExhausted, naming
/// both numbers, if less than 1/32 of the clusters would be left. `wanted_clusters` 0 =
/// ClusterCountFor; more than there are rows are as many as rows.
Result<TrainingSize> SizeTraining(uint64_t row_count, size_t dim, size_t thread_count,
                                  size_t memory_bytes, size_t wanted_clusters = 0);

struct TrainingOptions {
  Metric metric = Metric::kL2;
  size_t dim = 0;
  size_t cluster_count = 0;
  /// As of SizeTraining, for the record.
  size_t wanted_clusters = 0;
  /// Rows that there are, of which the sample is a part.
  uint64_t row_count = 0;
  uint64_t seed = 0;
  ThreadPool* pool = nullptr;
  /// Share done, 0 to 1; false cancels.
  std::function<bool(double)> progress;
};

/// Train on `sample` (rows of dim floats as they are stored; overwritten). Deterministic.
/// Cancelled.
Result<std::shared_ptr<const Model>> TrainModel(std::vector<float> sample,
                                                const TrainingOptions& options);

/// Finds the cluster of rows under a model. Thread-safe.
class ClusterAssigner {
 public:
  explicit ClusterAssigner(std::shared_ptr<const Model> model);
  /// `rows` are `count` x dim floats at any byte address. `squared_distances` (count, may be null):
  /// to the centroids of their clusters, in the prepared space.
  void Assign(const std::byte* rows, size_t count, uint32_t* clusters,
              float* squared_distances) const;

 private:
  std::shared_ptr<const Model> model_;
  Clustering clustering_;
};

/// What probe curves are fitted to.
struct ProbeTraining {
  const Segment* segment = nullptr;
  /// The cluster of each row of the segment.
  std::span<const uint32_t> clusters;
  /// Rows of the segment that are searched for.
  std::span<const uint64_t> queries;
  std::function<Result<HeldFloats>(uint64_t row)> floats;
  /// The k true nearest rows of each of some queries (count x dim), nearest first, by comparing
  /// with every row. Asked for a few of `queries`, and for up to half of all sample queries if
  /// these show that searching a part of the clusters does not find what is near. Empty = that is
  /// not looked at.
  std::function<Result<std::vector<std::vector<uint64_t>>>(std::span<const float> queries,
                                                           size_t k)>
      nearest;
  ThreadPool* pool = nullptr;
  /// Share done, 0 to 1; false cancels. Called from any thread of the pool.
  std::function<bool(double)> progress;
};

/// Fit the probe model by searching for rows that are stored, and for some made of them to be
/// unlike them, in a part of the clusters where that finds nearly all, else in all of them. The
/// model returned codes as the one given. Cancelled; else fails as `floats` and `nearest` do.
Result<std::shared_ptr<const Model>> FitProbes(const std::shared_ptr<const Model>& model,
                                               const ProbeTraining& training);

}  // namespace viper::index
