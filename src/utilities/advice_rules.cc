#include "utilities/advice_rules.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/core.h>

namespace viper {
namespace {

/// Of all filters, those by time.
constexpr double kTimeFilterShare = 0.5;
constexpr uint64_t kTimeFiltersMin = 20;
constexpr double kSplitFactor = 4;
constexpr double kMergeDivisor = 8;
constexpr double kMergeShare = 0.25;
/// Share of the records that a field has to have to be kept although nobody filters by it.
constexpr double kFillShareMin = 0.01;
/// Share of the values that a type has to take.
constexpr double kFittingShareMin = 0.95;

uint64_t FiltersOn(const CollectionOperations& traffic, std::string_view field) {
  uint64_t count = 0;
  for (const FilterFieldUse& use : traffic.filter_fields) {
    // A path into a nested value parses the whole of it.
    const bool is_inside = use.field.size() > field.size() && use.field.starts_with(field) &&
                           use.field[field.size()] == '.';
    if (use.field == field || is_inside) count += use.count;
  }
  return count;
}

double ShareOf(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double GiniOf(std::vector<double> sizes) {
  std::sort(sizes.begin(), sizes.end());
  double sum = 0;
  double weighted = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    sum += sizes[i];
    weighted += static_cast<double>(i + 1) * sizes[i];
  }
  const auto count = static_cast<double>(sizes.size());
  return sum == 0 ? 0 : 2 * weighted / (count * sum) - (count + 1) / count;
}

/// Rows of the partitions after those that are too large were split, and those that are too small
/// joined.
std::vector<double> SizesAfterwards(std::span<const PartitionLoad> partitions,
                                    const PartitionAdvice& advice) {
  const std::unordered_set<std::string_view> split(advice.split.begin(), advice.split.end());
  const std::unordered_set<std::string_view> merge(advice.merge.begin(), advice.merge.end());
  std::vector<double> sizes;
  double joined = 0;
  for (const PartitionLoad& partition : partitions) {
    const auto rows = static_cast<double>(partition.rows);
    if (split.contains(partition.name)) {
      const double parts = std::ceil(rows / advice.rows_mean);
      sizes.insert(sizes.end(), static_cast<size_t>(parts), rows / parts);
    } else if (!merge.contains(partition.name)) {
      sizes.push_back(rows);
    } else if (joined += rows; joined >= advice.rows_mean) {
      sizes.push_back(std::exchange(joined, 0));
    }
  }
  if (joined > 0) sizes.push_back(joined);
  return sizes;
}

}  // namespace

PartitionAdvice AdvisePartitions(std::span<const PartitionLoad> partitions,
                                 const CollectionOperations& traffic) {
  PartitionAdvice advice;
  advice.partitions = partitions.size();
  std::vector<double> sizes;
  for (const PartitionLoad& partition : partitions) {
    sizes.push_back(static_cast<double>(partition.rows));
    advice.rows_largest = std::max(advice.rows_largest, partition.rows);
    advice.rows_mean += sizes.back() / static_cast<double>(partitions.size());
  }
  advice.gini = GiniOf(std::move(sizes));
  for (const PartitionLoad& partition : partitions) {
    const auto rows = static_cast<double>(partition.rows);
    if (rows > kSplitFactor * advice.rows_mean) advice.split.push_back(partition.name);
    if (rows < advice.rows_mean / kMergeDivisor) advice.merge.push_back(partition.name);
  }
  if (ShareOf(advice.merge.size(), partitions.size()) < kMergeShare) advice.merge.clear();
  if (!advice.split.empty() || !advice.merge.empty()) {
    advice.gini_afterwards = GiniOf(SizesAfterwards(partitions, advice));
  }
  uint64_t filters = traffic.other_filter_fields;
  for (const FilterFieldUse& use : traffic.filter_fields) filters += use.count;
  const uint64_t by_time = FiltersOn(traffic, "_timestamp") + FiltersOn(traffic, "_ingested_at");
  advice.switch_to_time =
      by_time >= kTimeFiltersMin && ShareOf(by_time, filters) >= kTimeFilterShare;
  advice.reason = fmt::format(
      "{} partitions of {:.0f} rows on average, the largest of {}; {} of {} uses of fields in "
      "filters are of a time",
      advice.partitions, advice.rows_mean, advice.rows_largest, by_time, filters);
  return advice;
}

std::string_view FieldActionName(FieldAction action) {
  switch (action) {
    case FieldAction::kPromote:
      return "promote";
    case FieldAction::kDemote:
      return "demote";
    case FieldAction::kWiden:
      return "widen";
  }
  return "?";
}

namespace utilities {

SchemaAdvice AdviseOnSchema(const SchemaReport& report, const CollectionOperations& traffic) {
  SchemaAdvice advice;
  advice.rows_read = report.rows_read;
  advice.filtered_searches = traffic.searches.filtered;
  for (const KeyReport& key : report.keys) {
    const uint64_t filters = FiltersOn(traffic, key.key);
    const bool fits =
        key.type.has_value() && ShareOf(key.fitting, key.rows - key.nulls) >= kFittingShareMin;
    const Field field{key.key, key.type.value_or(FieldType::kString)};
    CollectionSchema alone;
    alone.dim = 1;
    alone.fields = {field};
    if (filters < kPromotingFilters || !fits || !alone.Validate().ok()) continue;
    advice.fields.push_back(
        {FieldAction::kPromote, field, filters, ShareOf(key.rows, report.rows_read), key.json_bytes,
         fmt::format("{} filters named it; {} of {} values are of type {}", filters, key.fitting,
                     key.rows, FieldTypeName(field.type))});
  }
  for (const FieldReport& field : report.fields) {
    const uint64_t filters = FiltersOn(traffic, field.field.name);
    const double fill = ShareOf(field.values + field.parked, report.rows_read);
    // One advice for a field: all files are written anew to widen it, which one that nobody needs
    // is not worth.
    if (filters == 0 && traffic.searches.filtered >= kFilteredSearchesMin && fill < kFillShareMin) {
      advice.fields.push_back(
          {FieldAction::kDemote, field.field, 0, fill, 0,
           fmt::format("none of {} filtered searches named it, and {:.3g} % of the records have it",
                       traffic.searches.filtered, 100 * fill)});
    } else if (field.field.type == FieldType::kInt64 && field.parked > 0) {
      const auto example = Value::FromJson(field.parked_example);
      if (example.ok() && example->as_float64() != nullptr) {
        advice.fields.push_back({FieldAction::kWiden,
                                 {field.field.name, FieldType::kFloat64},
                                 filters,
                                 fill,
                                 0,
                                 fmt::format("{} values are no integers, such as {}", field.parked,
                                             field.parked_example)});
      }
    }
  }
  return advice;
}

}  // namespace utilities
}  // namespace viper
