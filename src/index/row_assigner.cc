// How a block of rows finds its centroids:
//
// 1. Scores of all means of groups, and from them the groups within reach of each row.
// 2. The pairs of a row and a group, sorted by group: the rows of a group are compared with its
//    members as a product of matrices, and each keeps the best that it has met.
//
// All is read from the block's rows less the origin, which lie in a cache.

#include "index/row_assigner.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/assert.h"
#include "index/row_groups.h"

namespace viper::index {
namespace {

using kernels::kPanelLanes;
using kernels::NearestSlot;
using kernels::PanelLine;
using kernels::PanelList;

/// Enough rows that the members of a group are read for many of them; and few enough for an L2
/// cache, or beside it where the dims are many and reading takes less of the time.
constexpr size_t kRowsPerBlockMax = 2048;
constexpr size_t kRowsPerBlockMin = 256;
constexpr size_t kBlockBytesMax = size_t{8} << 20;
/// Rows that go over the panels together: a multiple of every kernel's tile, and enough that panels
/// which come from memory are read at a fraction of its speed.
constexpr size_t kRowsPerPass = 96;
/// Panels that rows visit tile after tile stay in an L2 cache meanwhile.
constexpr size_t kPassBytesMax = size_t{512} * 1024;

constexpr float kNoScore = -std::numeric_limits<float>::infinity();

size_t RowsPerBlock(size_t dim) {
  return std::clamp(kBlockBytesMax / (dim * sizeof(float)), kRowsPerBlockMin, kRowsPerBlockMax);
}

size_t PanelsPerPass(size_t dim) {
  return std::max(kPassBytesMax / ((dim + 1) * sizeof(PanelLine)), size_t{2});
}

}  // namespace

RowAssigner::RowAssigner(const CentroidList& centroids, const CentroidLevels& levels)
    : kernel_(kernels::Active()),
      centroids_(centroids),
      levels_(levels),
      dim_(centroids.dim()),
      rows_per_block_(RowsPerBlock(dim_)),
      panels_per_pass_(PanelsPerPass(dim_)) {
  VIPER_ASSERT(centroids.count() > 0);
}

void RowAssigner::Assign(const float* rows, size_t count, uint32_t* clusters) {
  centred_.resize(std::min(rows_per_block_, count) * dim_);
  for (size_t first = 0; first < count; first += rows_per_block_) {
    const size_t block = std::min(rows_per_block_, count - first);
    SubtractOrigin(rows + first * dim_, block, centroids_.origin(), centred_.data());
    AssignBlock(block, clusters + first);
  }
}

void RowAssigner::AssignExactly(const float* rows, size_t count, uint32_t* clusters) {
  std::vector<PanelLine> panels;
  centroids_.Pack(NumbersTo(centroids_.count()), panels);
  centred_.resize(std::min(rows_per_block_, count) * dim_);
  for (size_t first = 0; first < count; first += rows_per_block_) {
    const size_t block = std::min(rows_per_block_, count - first);
    SubtractOrigin(rows + first * dim_, block, centroids_.origin(), centred_.data());
    const std::span<const NearestSlot> nearest = FindNearest(NumbersTo(block), panels);
    for (size_t i = 0; i < block; ++i) clusters[first + i] = nearest[i].slot;
  }
}

void RowAssigner::AssignBlock(size_t count, uint32_t* clusters) {
  SelectGroups(count);
  const RowGroups groups = GroupRows(pair_rows_, pair_groups_, levels_.group_count());
  scores_.assign(count, kNoScore);
  std::fill_n(clusters, count, std::numeric_limits<uint32_t>::max());
  for (size_t g = 0; g < groups.group_count(); ++g) {
    const std::span<const uint32_t> rows = groups.group(g);
    const std::span<const uint32_t> members = levels_.members(g);
    const std::span<const NearestSlot> nearest = FindNearest(rows, levels_.member_panels(g));
    for (size_t i = 0; i < rows.size(); ++i) {
      const uint32_t row = rows[i];
      const uint32_t found = members[nearest[i].slot];
      const float score = nearest[i].score;
      if (score < scores_[row] || (score == scores_[row] && found >= clusters[row])) continue;
      scores_[row] = score;
      clusters[row] = found;
    }
  }
}

void RowAssigner::SelectGroups(size_t count) {
  const PanelList means = levels_.group_means();
  const size_t slot_count = means.count * kPanelLanes;
  pair_rows_.clear();
  pair_groups_.clear();
  group_scores_.resize(std::min(kRowsPerPass, count) * slot_count);
  std::array<const float*, kRowsPerPass> rows;
  std::array<NearestSlot, kRowsPerPass> nearest;
  for (size_t first = 0; first < count; first += kRowsPerPass) {
    const size_t pass = std::min(kRowsPerPass, count - first);
    for (size_t i = 0; i < pass; ++i) rows[i] = centred_.data() + (first + i) * dim_;
    kernel_.nearest(rows.data(), pass, dim_, means, nearest.data(), group_scores_.data());
    for (size_t i = 0; i < pass; ++i) {
      SelectGroupsOf(static_cast<uint32_t>(first + i), group_scores_.data() + i * slot_count,
                     nearest[i]);
    }
  }
}

void RowAssigner::SelectGroupsOf(uint32_t row, const float* scores, const NearestSlot& nearest) {
  const float cut = nearest.score - levels_.reach();
  const size_t group_count = levels_.group_count();
  const size_t before = pair_groups_.size();
  pair_groups_.resize(before + group_count);
  uint32_t* selected = pair_groups_.data() + before;
  size_t count = 0;
  // Every group is written, and overwritten by the next unless it counts: no branch to mispredict.
  for (size_t g = 0; g < group_count; ++g) {
    selected[count] = static_cast<uint32_t>(g);
    count += scores[g] >= cut ? 1 : 0;
  }
  // Scores that are no numbers: the row has to end somewhere too.
  if (count == 0) selected[count++] = nearest.slot;
  pair_groups_.resize(before + count);
  pair_rows_.resize(before + count, row);
}

std::span<const NearestSlot> RowAssigner::FindNearest(std::span<const uint32_t> rows,
                                                      std::span<const PanelLine> panels) {
  if (nearest_.size() < rows.size()) nearest_.resize(rows.size());
  std::array<const float*, kRowsPerPass> pointers;
  for (size_t first = 0; first < rows.size(); first += kRowsPerPass) {
    const size_t count = std::min(kRowsPerPass, rows.size() - first);
    for (size_t i = 0; i < count; ++i) pointers[i] = centred_.data() + rows[first + i] * dim_;
    FindNearest(pointers.data(), count, panels, nearest_.data() + first);
  }
  return {nearest_.data(), rows.size()};
}

void RowAssigner::FindNearest(const float* const* rows, size_t count,
                              std::span<const PanelLine> panels, NearestSlot* nearest) {
  const size_t panel_count = panels.size() / (dim_ + 1);
  kernel_.nearest(rows, count, dim_, {panels.data(), std::min(panel_count, panels_per_pass_)},
                  nearest, nullptr);
  nearest_of_pass_.resize(kRowsPerPass);
  for (size_t first = panels_per_pass_; first < panel_count; first += panels_per_pass_) {
    const PanelList pass = {panels.data() + first * (dim_ + 1),
                            std::min(panel_count - first, panels_per_pass_)};
    kernel_.nearest(rows, count, dim_, pass, nearest_of_pass_.data(), nullptr);
    for (size_t i = 0; i < count; ++i) {
      const NearestSlot& found = nearest_of_pass_[i];
      if (!(found.score > nearest[i].score)) continue;
      nearest[i] = {found.score, found.slot + static_cast<uint32_t>(first * kPanelLanes)};
    }
  }
}

}  // namespace viper::index
