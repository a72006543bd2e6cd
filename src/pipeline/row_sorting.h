#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/row.h"
#include "viper/pipeline.h"

namespace viper::pipeline {

/// In which order the rows of a file are written.
struct SortedRows {
  /// A permutation of the rows' numbers.
  std::vector<uint32_t> order;
  /// See SimilarityOrder.
  std::optional<std::string> model;
};

/// Find the order. Rows that are equal by it stay as they are. Their vectors are `dim` floats each.
Result<SortedRows> SortRows(std::span<const core::Row> rows, const SortingStrategy& strategy,
                            const CollectionSchema& schema, bool use_models);

}  // namespace viper::pipeline
