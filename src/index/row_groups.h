#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace viper::index {

/// Numbers of rows, sorted by the group that each belongs to.
struct RowGroups {
  /// Ascending within a group.
  std::vector<uint32_t> rows;
  /// Group g has rows[first[g]] to rows[first[g + 1] - 1].
  std::vector<size_t> first;

  size_t group_count() const { return first.size() - 1; }
  std::span<const uint32_t> group(size_t g) const {
    return std::span(rows).subspan(first[g], first[g + 1] - first[g]);
  }
};

/// Group `rows`, ascending; row r is in group group_of[r], a number below `group_count`.
RowGroups GroupRows(std::span<const uint32_t> rows, const uint32_t* group_of, size_t group_count);
/// Group rows 0 to group_of.size() - 1.
RowGroups GroupRows(std::span<const uint32_t> group_of, size_t group_count);

}  // namespace viper::index
