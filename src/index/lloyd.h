#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace viper::index {

struct LloydOptions {
  /// 1 to the number of rows.
  size_t cluster_count = 1;
  size_t iterations = 10;
  uint64_t seed = 0;
  /// Asked every few milliseconds, if there is one: false = stop.
  std::function<bool()> going = nullptr;
};

struct LloydResult {
  /// cluster_count x dim, row-major.
  std::vector<float> centroids;
  /// Per row, its cluster in the last iteration; the centroids have moved to the means since.
  std::vector<uint32_t> clusters;
};

/// Plain k-means (Lloyd 1982) of `row_count` rows, row_count x dim, row-major, on this thread. Rows
/// should lie about zero, since distances are compared as dot products. Begins with random rows. A
/// cluster that gets no row takes half of the largest one's place; with fewer distinct rows than
/// clusters some stay empty. Ends early when no row changes its cluster. Deterministic. What a run
/// that was stopped leaves is of no use.
LloydResult RunLloyd(const float* rows, size_t row_count, size_t dim, const LloydOptions& options);

/// `count` distinct numbers below `bound`, ascending, drawn with this seed.
std::vector<uint32_t> DrawNumbers(size_t count, size_t bound, uint64_t seed);

/// Make two centroids of one: `copy` and `original`, `dim` floats each, part by 1/1024 of each
/// component, as in Faiss.
void SplitCentroid(float* original, float* copy, size_t dim);

}  // namespace viper::index
