#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/collection_index.h"
#include "index/model_record.h"

namespace viper::core {

/// What the rows of some segments measure under their model.
struct IndexCost {
  uint64_t rows = 0;
  /// Mean squared distance of rows to the centroids of their clusters, in the prepared space.
  double squared_distance = 0;
  /// As ModelRecord::trained_imbalance; 1 without rows.
  double imbalance = 1;
};
IndexCost CostOf(std::span<const std::shared_ptr<const OpenSegment>> segments,
                 size_t cluster_count);

/// Why a new model would pay, in words with the numbers; absent if it would not:
/// - there are more than three times the rows that it was trained for, or
/// - at least a twentieth of the rows have come since, and rows lie 1.06 times as far from their
///   centroids (in the square) as then, which a fifth of them does by lying 1.3 times as far; or
///   clusters are twice as uneven; or a query scans half as many rows again as it would under a
///   model for so many rows, of which it would scan about the root of the growth.
std::optional<std::string> ReasonToTrain(const index::ModelRecord& record, const IndexCost& cost,
                                         uint64_t rows);

/// Rows that a query scans for a recall of 0.95, as measured; 0 if it was not.
double ScannedRowsOf(const std::optional<IndexAccuracy>& accuracy);

}  // namespace viper::core
