#pragma once

#include <cstdint>
#include <optional>

#include "base/coding.h"
#include "viper/index_report.h"

namespace viper::index {

/// What is known about a model beyond what codes depend on: how it came about, what it cost then,
/// and what was measured since. A plain value, stored in the model's file.
struct ModelRecord {
  /// 1 for the first model of a collection, one more for each that replaces it.
  uint64_t version = 1;
  /// Microseconds since 1970.
  int64_t trained_at = 0;
  /// Rows that there were when it was trained; those that it was trained on, and those that it
  /// would have been trained on had memory allowed.
  uint64_t trained_rows = 0;
  uint64_t sampled_rows = 0;
  uint64_t wanted_rows = 0;

  // What the rows that there were measured under it.
  /// Mean squared distance of rows to the centroids of their clusters, in the prepared space.
  double trained_squared_distance = 0;
  /// K sum n_i^2 / (sum n_i)^2 over the sizes of the K clusters: 1 if all are as large.
  double trained_imbalance = 0;
  /// Rows scanned by a query for a recall of 0.95, on average; 0 if that was not measured.
  double trained_scanned_rows = 0;

  /// Rows coded since that were in no segment before.
  uint64_t added_rows = 0;
  /// Above 0, at most 1: searches aim at a miss rate of this times the one allowed, because audits
  /// of real queries found more missing than that.
  double caution = 1;
  /// Absent until measured.
  std::optional<IndexAccuracy> accuracy;

  /// The recall to look for where `recall` is asked for: at least as high, below 1.
  double CautiousRecall(double recall) const { return 1 - (1 - recall) * caution; }

  void Encode(ByteWriter& writer) const;
  /// Absent if the bytes are not what Encode writes.
  static std::optional<ModelRecord> Decode(ByteReader& reader);
};

}  // namespace viper::index
