#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/centroid_list.h"
#include "platform/thread_pool.h"

namespace viper::index {

/// What finds the nearest of many centroids without comparing with all: a coarse level, about
/// sqrt(count) *groups* of centroids, and for every centroid its *neighbours*, the centroids
/// nearest to it. Determined by the centroids alone. A value; immutable; thread-safe.
class CentroidLevels {
 public:
  /// Below this many centroids all are compared, and there are no levels.
  static constexpr size_t kCentroidsMin = 256;
  /// Of each centroid, itself among them: four panels.
  static constexpr size_t kNeighbours = 64;

  CentroidLevels() = default;
  /// Takes time for about 40 * count * sqrt(count) distances. `pool`: null = this thread only.
  CentroidLevels(const CentroidList& centroids, ThreadPool* pool);

  /// No levels: compare with all.
  bool empty() const { return groups_.empty(); }
  size_t group_count() const { return groups_.size(); }
  /// The means of the groups, less the origin of the centroids; slot g is group g.
  std::span<const kernels::PanelLine> group_panels() const { return group_panels_; }
  /// The centroids of group g, ascending; may be empty.
  std::span<const uint32_t> members(size_t g) const { return groups_[g].members; }
  /// The same, packed.
  std::span<const kernels::PanelLine> member_panels(size_t g) const { return groups_[g].panels; }
  /// The kNeighbours nearest centroids of centroid c, itself among them, ascending.
  std::span<const uint32_t> neighbours(size_t c) const {
    return std::span(neighbours_).subspan(c * kNeighbours, kNeighbours);
  }

 private:
  struct Group {
    std::vector<uint32_t> members;
    std::vector<kernels::PanelLine> panels;
  };
  void FormGroups(const CentroidList& centroids, const std::vector<float>& centred);
  void FindNeighbours(const CentroidList& centroids, const std::vector<float>& centred,
                      size_t group, std::span<const uint32_t> candidates);

  std::vector<float> group_means_;  // less the origin
  std::vector<kernels::PanelLine> group_panels_;
  std::vector<Group> groups_;
  std::vector<uint32_t> neighbours_;  // count x kNeighbours
};

}  // namespace viper::index
