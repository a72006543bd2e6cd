#pragma once

#include <cstdint>
#include <vector>

#include "utilities/vector_partitions.h"

namespace viper::utilities {

/// Split rows, at least one, into the clusters that their density makes: HDBSCAN (Campello, Moulavi
/// and Sander, Density-Based Clustering Based on Hierarchical Density Estimates, 2013) of a sample,
/// then every row goes to the cluster of the nearest row of the sample that is in one. A cluster
/// has about `rows_min` rows of all at least. Where there are none all rows are one group. Takes
/// time with the square of the sample, memory with its size. Deterministic.
std::vector<RowGroup> SplitByDensity(const VectorRows& rows, uint64_t rows_min, uint64_t seed);

}  // namespace viper::utilities
