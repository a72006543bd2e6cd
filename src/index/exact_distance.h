#pragma once

#include <cstddef>

#include "viper/schema.h"

namespace viper::index {

/// Distance in double precision between a row (`dim` floats at any byte address) and a query, by
/// Metric's definition: L2 is the root, a cosine lies in [-1, 1]. A row with a component that is
/// not finite, as a foreign file may hold, is infinitely far. Never NaN, never a negative zero.
double ExactDistance(Metric metric, const std::byte* row, const float* query, size_t dim);

/// The same, for many rows: `squared_query_norm` = SquaredNormOf(query, dim), used by kCosine.
double ExactDistance(Metric metric, const std::byte* row, const float* query, size_t dim,
                     double squared_query_norm);

/// Sum of squares in double precision.
double SquaredNormOf(const float* query, size_t dim);

/// Hit::score of a distance: bigger is better.
double ScoreOf(Metric metric, double distance);

}  // namespace viper::index
