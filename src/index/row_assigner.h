#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/centroid_levels.h"
#include "index/centroid_list.h"
#include "kernels/kernel_table.h"

namespace viper::index {

/// Finds the nearest centroid of rows, by the scores of kernels::NearestSlot; of equal ones the
/// lower centroid counts. The answer for a row does not depend on the rows that are passed along.
/// Rows that are not finite get some centroid. Holds scratch memory: one per thread.
class RowAssigner {
 public:
  /// Neither is owned. There is at least one centroid.
  RowAssigner(const CentroidList& centroids, const CentroidLevels& levels);

  /// clusters[i] = the nearest centroid of row i (count x dim, row-major) among the members of the
  /// groups within reach: mostly the nearest of all.
  void Assign(const float* rows, size_t count, uint32_t* clusters);
  /// The same among all centroids.
  void AssignExactly(const float* rows, size_t count, uint32_t* clusters);

 private:
  void AssignBlock(size_t count, uint32_t* clusters);
  void SelectGroups(size_t count);
  void SelectGroupsOf(uint32_t row, const float* scores, const kernels::NearestSlot& nearest);
  std::span<const kernels::NearestSlot> FindNearest(std::span<const uint32_t> rows,
                                                    std::span<const kernels::PanelLine> panels);
  void FindNearest(const float* const* rows, size_t count,
                   std::span<const kernels::PanelLine> panels, kernels::NearestSlot* nearest);

  const kernels::KernelTable& kernel_;
  const CentroidList& centroids_;
  const CentroidLevels& levels_;
  const size_t dim_;
  const size_t rows_per_block_;
  const size_t panels_per_pass_;

  /// Rows of the block at hand less the origin.
  std::vector<float> centred_;
  /// Per row: the score of the nearest centroid so far.
  std::vector<float> scores_;
  /// Pair i: row pair_rows_[i] is to be compared with the members of group pair_groups_[i].
  std::vector<uint32_t> pair_rows_;
  std::vector<uint32_t> pair_groups_;
  std::vector<float> group_scores_;
  std::vector<kernels::NearestSlot> nearest_;
  std::vector<kernels::NearestSlot> nearest_of_pass_;
};

}  // namespace viper::index
