#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "viper/export.h"
#include "viper/record.h"
#include "viper/result.h"

namespace viper {

/// By what records are split. Spectral clustering is not among them: it takes memory with the
/// square of the records.
enum class PartitionAlgorithm : uint8_t {
  /// Lloyd's k-means of a sample, then every record to its nearest centroid.
  kKMeans = 0,
  /// k-means by small batches (Sculley 2010): reads each record a few times at most.
  kMiniBatchKMeans = 1,
  /// By Record::timestamp.
  kTimeWindow = 2,
  /// By a hash of the id: even, and stable from call to call.
  kHash = 3,
  /// By the value of a metadata key.
  kField = 4,
  /// HDBSCAN (Campello, Moulavi and Sander 2013) of a sample of 4,096 records; a record goes to the
  /// cluster of the nearest that is in one. Finds clusters of any form, and how many there are:
  /// `partition_count` has no say.
  kDensity = 5,
};

/// Return "kmeans", "mini_batch_kmeans", "time_window", "hash", "field" or "density".
VIPER_EXPORT std::string_view PartitionAlgorithmName(PartitionAlgorithm algorithm);

struct VIPER_EXPORT PartitioningConfig {
  PartitionAlgorithm algorithm = PartitionAlgorithm::kKMeans;
  /// Wanted; the bounds below may make them more or fewer. 1 to 65,536.
  size_t partition_count = 10;
  /// Rows of a partition. `rows_max` is twice `rows_min` or more. A partition that is too large is
  /// split in itself, one that is too small is joined to its nearest: no row is sent to a partition
  /// that is far from it to even them out. Of kHash only the upper bound is kept, approximately; of
  /// kField too small ones are joined, and one value is never split.
  uint64_t rows_min = 1'000;
  uint64_t rows_max = 100'000;
  /// For kTimeWindow. 1 ms or more.
  uint64_t time_window_ms = uint64_t{24} * 3600 * 1000;
  /// For kField: a top-level key.
  std::string field = {};
  uint64_t seed = 0;

  /// OK, or InvalidArgument naming the member that is wrong and its value.
  Status Validate() const;
};

/// One part of the records.
struct Partition {
  /// "cluster 3", "2026-11-27T00:00:00.000Z", "hash 3", "category = 'text'", "other", ...
  std::string name = {};
  /// Their places in the input, rising.
  std::vector<uint32_t> rows = {};
  /// The mean of their vectors; empty if they have none.
  std::vector<float> centroid = {};
  /// Mean Euclidean distances of its rows to its own centroid and to the nearest other one; absent
  /// without vectors, or other partitions.
  std::optional<double> own_distance = {};
  std::optional<double> second_distance = {};
};

/// How records were split: every one is in exactly one partition.
struct PartitionPlan {
  std::vector<Partition> partitions = {};
  /// For each record its partition.
  std::vector<uint32_t> partition_of_row = {};
  /// All sizes are within the bounds. Fewer than `rows_min` records in all are one partition, below
  /// it.
  bool is_within_bounds = true;
  uint64_t rows_smallest = 0;
  uint64_t rows_largest = 0;
  /// Over all records.
  std::optional<double> own_distance = {};
  std::optional<double> second_distance = {};
  /// The mean silhouette (Rousseeuw 1987), -1 to 1, of a sample of 1,000 records among themselves.
  std::optional<double> silhouette = {};
};

/// Splits records into partitions. Stateless; thread-safe.
class VIPER_EXPORT DataPartitioner {
 public:
  explicit DataPartitioner(PartitioningConfig config) : config_(std::move(config)) {}

  /// InvalidArgument: a bad config; vectors of different dimensions, without components or not
  /// finite, for the algorithms that go by them. At most 2^32 - 1 records.
  Result<PartitionPlan> Split(std::span<const Record> records) const;
  /// The same for `row_count x dim` floats, row-major; for the algorithms that go by vectors.
  Result<PartitionPlan> SplitVectors(std::span<const float> vectors, size_t dim) const;

 private:
  const PartitioningConfig config_;
};

}  // namespace viper
