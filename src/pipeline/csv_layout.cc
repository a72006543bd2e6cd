#include "pipeline/csv_layout.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <system_error>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "pipeline/column_choice.h"
#include "pipeline/csv_cell.h"
#include "pipeline/row_checks.h"

namespace viper::pipeline {
namespace {

Status CheckNames(const std::vector<std::string>& names) {
  std::set<std::string_view> seen;
  for (const std::string& name : names) {
    if (!name.empty() && !seen.insert(name).second) {
      return Status::InvalidArgument(fmt::format("header names a column twice: column={}", name));
    }
  }
  return Status::Ok();
}

// One number alone is a field; two and more are a vector.
bool HoldsNumbers(std::string_view cell) {
  const Result<std::vector<float>> vector = ParseVectorCell(cell);
  return vector.ok() && (vector->size() > 1 || (vector->size() == 1 && cell.front() == '['));
}

CsvRole RoleOf(std::string_view name, std::string_view id, std::string_view vector) {
  if (name.empty() || name == kIngestedAtColumn) return CsvRole::kIgnored;
  if (name == id) return CsvRole::kId;
  if (name == vector) return CsvRole::kVector;
  if (name == kTimestampColumn) return CsvRole::kTimestamp;
  if (name == kExpiresAtColumn) return CsvRole::kExpiresAt;
  if (name == kMetadataColumn) return CsvRole::kMetadata;
  return CsvRole::kField;
}

// The number of a column such as v17, if the name is the prefix and a number without leading zeros.
std::optional<size_t> NumberOf(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  const std::string_view digits = name.substr(prefix.size());
  if (digits.empty() || (digits.front() == '0' && digits.size() > 1)) return std::nullopt;
  size_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// Names are unique, so numbers are too: n of them between `first` and first + n - 1 leave no gap.
Status AssignComponents(std::string_view prefix, CsvLayout& layout) {
  size_t least = 0;
  size_t largest = 0;
  for (CsvColumn& column : layout.columns) {
    const std::optional<size_t> number = NumberOf(column.name, prefix);
    if (column.role != CsvRole::kField || !number.has_value()) continue;
    least = layout.component_count == 0 ? *number : std::min(least, *number);
    largest = std::max(largest, *number);
    column.role = CsvRole::kComponent;
    column.component = *number;
    ++layout.component_count;
  }
  if (layout.component_count == 0) {
    return Status::InvalidArgument(
        fmt::format("no columns for the vector: wanted={}0, {}1, ...", prefix, prefix));
  }
  if (least > 1 || largest - least + 1 != layout.component_count) {
    return Status::InvalidArgument(
        fmt::format("columns of the vector have gaps: prefix='{}' first={} last={} count={}",
                    prefix, least, largest, layout.component_count));
  }
  for (CsvColumn& column : layout.columns) {
    if (column.role == CsvRole::kComponent) column.component -= least;
  }
  return CheckDim(layout.component_count);
}

}  // namespace

Result<CsvLayout> InferCsvLayout(const std::vector<std::string>& names,
                                 const std::vector<std::string_view>& first_row,
                                 const RecordSourceOptions& options) {
  VIPER_RETURN_IF_ERROR(CheckNames(names));
  std::vector<Column> columns;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) continue;
    columns.push_back({names[i], i < first_row.size() && HoldsNumbers(first_row[i])});
  }
  VIPER_ASSIGN_OR_RETURN(const std::string id, ChooseIdColumn(columns, options.id_column));
  const bool is_wide = options.vector_column.ends_with('*');
  std::string vector;
  if (!is_wide) {
    VIPER_ASSIGN_OR_RETURN(vector, ChooseVectorColumn(columns, options.vector_column));
  }
  CsvLayout layout;
  layout.has_id = !id.empty();
  for (const std::string& name : names) {
    layout.columns.push_back({name, RoleOf(name, id, vector), 0});
  }
  if (is_wide) {
    std::string_view prefix = options.vector_column;
    prefix.remove_suffix(1);
    VIPER_RETURN_IF_ERROR(AssignComponents(prefix, layout));
  }
  return layout;
}

}  // namespace viper::pipeline
