#include "index/row_groups.h"

#include <numeric>

namespace viper::index {

RowGroups GroupRows(std::span<const uint32_t> rows, std::span<const uint32_t> groups,
                    size_t group_count) {
  // A counting sort: sizes, then where each group begins, then every row to its place.
  RowGroups grouped;
  grouped.first.assign(group_count + 1, 0);
  for (const uint32_t group : groups) ++grouped.first[group + 1];
  for (size_t g = 0; g < group_count; ++g) grouped.first[g + 1] += grouped.first[g];
  std::vector<size_t> next(grouped.first.begin(), grouped.first.end() - 1);
  grouped.rows.resize(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) grouped.rows[next[groups[i]]++] = rows[i];
  return grouped;
}

RowGroups GroupRows(std::span<const uint32_t> groups, size_t group_count) {
  return GroupRows(NumbersTo(groups.size()), groups, group_count);
}

std::vector<uint32_t> NumbersTo(size_t count) {
  std::vector<uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0U);
  return numbers;
}

}  // namespace viper::index
