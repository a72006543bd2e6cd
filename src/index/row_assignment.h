#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/centroid_levels.h"
#include "index/centroid_list.h"

namespace viper::index {

/// Finds the nearest centroid of rows. Holds scratch memory: one per thread. Scores are those of
/// kernels::NearestSlot; of equal ones the lower centroid counts. The answer for a row does not
/// depend on the rows that are passed along.
class RowAssigner {
 public:
  /// Neither is owned.
  RowAssigner(const CentroidList& centroids, const CentroidLevels& levels);

  /// The nearest of all centroids for each of `count` rows (count x dim, row-major).
  void AssignExactly(const float* rows, size_t count, uint32_t* clusters);
  /// The same through the levels: mostly exact.
  void Assign(const float* rows, size_t count, uint32_t* clusters);
  /// For rows (numbers of `rows`) of which `cluster` is a good guess, the nearest of its
  /// neighbours: clusters[row] and scores[row] change where that is nearer than scores[row] says.
  /// Rows that changed are added to `moved`, if not null.
  void StepToNeighbours(const float* rows, std::span<const uint32_t> numbers, uint32_t cluster,
                        uint32_t* clusters, float* scores, std::vector<uint32_t>* moved);

 private:
  void AssignBlock(const float* rows, size_t count, uint32_t* clusters);
  void AssignToMembers(const float* rows, size_t count, uint32_t* clusters);
  std::span<kernels::NearestSlot> Find(const float* rows, std::span<const uint32_t> numbers,
                                       std::span<const kernels::PanelLine> panels);

  const CentroidList& centroids_;
  const CentroidLevels& levels_;
  NearestSearch search_;
  std::vector<kernels::NearestSlot> nearest_;
  std::vector<kernels::PanelLine> panels_;
  std::vector<float> scores_;
};

}  // namespace viper::index
