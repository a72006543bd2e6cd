#include "index/row_groups.h"

#include "index/centroid_list.h"

namespace viper::index {

RowGroups GroupRows(std::span<const uint32_t> rows, const uint32_t* group_of, size_t group_count) {
  // A counting sort: sizes, then where each group begins, then every row to its place.
  RowGroups groups;
  groups.first.assign(group_count + 1, 0);
  for (const uint32_t row : rows) ++groups.first[group_of[row] + 1];
  for (size_t g = 0; g < group_count; ++g) groups.first[g + 1] += groups.first[g];
  std::vector<size_t> next(groups.first.begin(), groups.first.end() - 1);
  groups.rows.resize(rows.size());
  for (const uint32_t row : rows) groups.rows[next[group_of[row]]++] = row;
  return groups;
}

RowGroups GroupRows(std::span<const uint32_t> group_of, size_t group_count) {
  return GroupRows(NumbersTo(group_of.size()), group_of.data(), group_count);
}

}  // namespace viper::index
