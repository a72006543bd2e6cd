#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "viper/result.h"
#include "viper/schema.h"

namespace viper::pipeline {

/// Rows in an order in which similar ones stand beside each other.
struct SimilarityOrder {
  /// A permutation of the rows' numbers.
  std::vector<uint32_t> order;
  /// Names the centroids that it goes by: 16 hexadecimal digits. Absent if there are none.
  std::optional<std::string> model;
};

/// Order rows of `dim` finite floats at any byte address, fewer than 2^32; under cosine by their
/// directions. Determined by the rows.
///
/// By clusters: k-means with about the square root of the number of rows as centroids, which are
/// put into a chain, each followed by the nearest of those that are left; in a cluster by the
/// distance to its centroid.
Result<SimilarityOrder> OrderByClusters(std::span<const std::byte* const> rows, size_t dim,
                                        Metric metric);

/// Without training: by the sides of random hyperplanes through the mean on which the rows lie, as
/// a Gray code, so that neighbours in the order differ by few sides (Charikar, "Similarity
/// estimation techniques from rounding algorithms", 2002).
std::vector<uint32_t> OrderByHyperplanes(std::span<const std::byte* const> rows, size_t dim,
                                         Metric metric);

}  // namespace viper::pipeline
