#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

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

struct TrainingOptions {
  Metric metric = Metric::kL2;
  size_t dim = 0;
  size_t cluster_count = 0;
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
  /// `rows` are `count` x dim floats at any byte address.
  void Assign(const std::byte* rows, size_t count, uint32_t* clusters) const;

 private:
  std::shared_ptr<const Model> model_;
  Clustering clustering_;
};

/// Fit the probe model by searching for rows that are stored: `queries` are rows of the segment
/// (their numbers), `clusters` the cluster of each row of the segment. The model returned codes as
/// the one given.
Result<std::shared_ptr<const Model>> FitProbes(
    const std::shared_ptr<const Model>& model, const Segment& segment,
    std::span<const uint32_t> clusters, std::span<const uint64_t> queries,
    const std::function<Result<const std::byte*>(uint64_t row)>& floats, ThreadPool* pool);

}  // namespace viper::index
