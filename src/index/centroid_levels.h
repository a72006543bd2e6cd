#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/centroid_list.h"

namespace viper::index {

/// What finds the nearest of many centroids without comparing with all: *groups* of centroids,
/// about 1.5 sqrt(count), of which only those near a row are looked into. Determined by the
/// centroids alone. A value; immutable; thread-safe.
class CentroidLevels {
 public:
  /// Fewer centroids than this are one group: looking for the right one would cost as much.
  static constexpr size_t kGroupedCountMin = 256;

  CentroidLevels() = default;
  /// Takes time for about 9 * count * sqrt(count) distances.
  explicit CentroidLevels(const CentroidList& centroids);

  /// At least 1, if there are centroids.
  size_t group_count() const { return groups_.size(); }
  /// The means of the groups, less the origin of the centroids; slot g is group g.
  kernels::PanelList group_means() const;
  /// A group whose score is less than the best one's by more than this rarely has the nearest
  /// centroid.
  float reach() const { return reach_; }
  /// The centroids of group g, ascending; never empty.
  std::span<const uint32_t> members(size_t g) const { return groups_[g].members; }
  /// The same, packed.
  std::span<const kernels::PanelLine> member_panels(size_t g) const { return groups_[g].panels; }

 private:
  struct Group {
    std::vector<uint32_t> members;
    std::vector<kernels::PanelLine> panels;
  };

  std::vector<Group> groups_;
  std::vector<kernels::PanelLine> mean_panels_;
  float reach_ = 0;
};

}  // namespace viper::index
