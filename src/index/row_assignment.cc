// How a row finds its centroid through the levels:
//
// 1. The nearest mean of a group, and the nearest of that group's members: a good first guess.
// 2. The nearest of that centroid's neighbours. If this is another centroid, the same again from
//    there, a few times at most.
//
// Each step takes a block of rows at once, grouped by the list that they are compared with, so that
// it is a product of matrices.

#include "index/row_assignment.h"

#include <algorithm>
#include <limits>

#include "index/row_groups.h"

namespace viper::index {
namespace {

using kernels::NearestSlot;
using kernels::PanelLine;

/// Rows that go through the levels together: many per centroid, since a list of neighbours is
/// packed once for all rows of a block that stand at its centroid.
constexpr size_t kRowsPerBlock = size_t{1} << 18;
constexpr size_t kStepsMax = 3;

}  // namespace

RowAssigner::RowAssigner(const CentroidList& centroids, const CentroidLevels& levels)
    : centroids_(centroids), levels_(levels), search_(centroids.origin()) {}

void RowAssigner::AssignExactly(const float* rows, size_t count, uint32_t* clusters) {
  centroids_.Pack(NumbersTo(centroids_.count()), panels_);
  for (size_t first = 0; first < count; first += kRowsPerBlock) {
    const size_t block = std::min(kRowsPerBlock, count - first);
    nearest_.resize(block);
    search_.Find(rows + first * centroids_.dim(), block, panels_, nearest_.data());
    for (size_t i = 0; i < block; ++i) clusters[first + i] = nearest_[i].slot;
  }
}

void RowAssigner::Assign(const float* rows, size_t count, uint32_t* clusters) {
  if (levels_.empty()) return AssignExactly(rows, count, clusters);
  for (size_t first = 0; first < count; first += kRowsPerBlock) {
    AssignBlock(rows + first * centroids_.dim(), std::min(kRowsPerBlock, count - first),
                clusters + first);
  }
}

void RowAssigner::AssignBlock(const float* rows, size_t count, uint32_t* clusters) {
  AssignToMembers(rows, count, clusters);
  std::vector<uint32_t> standing = NumbersTo(count);
  std::vector<uint32_t> moved;
  for (size_t step = 0; step < kStepsMax && !standing.empty(); ++step) {
    const RowGroups groups = GroupRows(standing, clusters, centroids_.count());
    moved.clear();
    for (uint32_t c = 0; c < groups.group_count(); ++c) {
      StepToNeighbours(rows, groups.group(c), c, clusters, scores_.data(), &moved);
    }
    standing.swap(moved);
  }
}

void RowAssigner::AssignToMembers(const float* rows, size_t count, uint32_t* clusters) {
  nearest_.resize(count);
  search_.Find(rows, count, levels_.group_panels(), nearest_.data());
  for (size_t i = 0; i < count; ++i) clusters[i] = nearest_[i].slot;
  const RowGroups groups = GroupRows({clusters, count}, levels_.group_count());
  scores_.assign(count, -std::numeric_limits<float>::infinity());
  for (size_t g = 0; g < groups.group_count(); ++g) {
    const std::span<const uint32_t> numbers = groups.group(g);
    const std::span<const NearestSlot> nearest = Find(rows, numbers, levels_.member_panels(g));
    for (size_t i = 0; i < numbers.size(); ++i) {
      // A row without a score stands at slot 0, wherever that is.
      clusters[numbers[i]] = levels_.members(g)[nearest[i].slot];
      scores_[numbers[i]] = nearest[i].score;
    }
  }
}

std::span<NearestSlot> RowAssigner::Find(const float* rows, std::span<const uint32_t> numbers,
                                         std::span<const PanelLine> panels) {
  if (nearest_.size() < numbers.size()) nearest_.resize(numbers.size());
  search_.Find(rows, numbers, panels, nearest_.data());
  return {nearest_.data(), numbers.size()};
}

void RowAssigner::StepToNeighbours(const float* rows, std::span<const uint32_t> numbers,
                                   uint32_t cluster, uint32_t* clusters, float* scores,
                                   std::vector<uint32_t>* moved) {
  if (numbers.empty()) return;
  const std::span<const uint32_t> neighbours = levels_.neighbours(cluster);
  centroids_.Pack(neighbours, panels_);
  const std::span<const NearestSlot> nearest = Find(rows, numbers, panels_);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const uint32_t row = numbers[i];
    const uint32_t found = neighbours[nearest[i].slot];
    const float score = nearest[i].score;
    const bool nearer = score > scores[row] || (score == scores[row] && found < clusters[row]);
    if (!nearer) continue;
    scores[row] = score;
    if (found == clusters[row]) continue;
    clusters[row] = found;
    if (moved != nullptr) moved->push_back(row);
  }
}

}  // namespace viper::index
