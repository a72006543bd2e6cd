#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace viper::index {

/// Numbers of rows, sorted by the group that each belongs to.
struct RowGroups {
  std::vector<uint32_t> rows;
  /// Group g has rows[first[g]] to rows[first[g + 1] - 1].
  std::vector<size_t> first;

  size_t group_count() const { return first.size() - 1; }
  std::span<const uint32_t> group(size_t g) const {
    return std::span(rows).subspan(first[g], first[g + 1] - first[g]);
  }
};

/// Group `rows`: rows[i] is in group groups[i], a number below `group_count`, and comes behind
/// those of the same group before it. A row may be in several groups.
RowGroups GroupRows(std::span<const uint32_t> rows, std::span<const uint32_t> groups,
                    size_t group_count);
/// The same for rows 0, 1, ... groups.size() - 1.
RowGroups GroupRows(std::span<const uint32_t> groups, size_t group_count);

/// 0, 1, ... count - 1.
std::vector<uint32_t> NumbersTo(size_t count);

}  // namespace viper::index
