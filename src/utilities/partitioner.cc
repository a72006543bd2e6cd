#include "viper/partitioner.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include <fmt/core.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "utilities/config_checks.h"
#include "utilities/vector_partitions.h"

namespace viper {
namespace {

using utilities::RowGroup;
using utilities::VectorRows;

constexpr size_t kPartitionsMax = 65'536;

bool GoesByVectors(PartitionAlgorithm algorithm) {
  return algorithm == PartitionAlgorithm::kKMeans ||
         algorithm == PartitionAlgorithm::kMiniBatchKMeans ||
         algorithm == PartitionAlgorithm::kDensity;
}

Status CheckCount(size_t count) {
  if (count <= std::numeric_limits<uint32_t>::max() - size_t{1}) return {};
  return Status::InvalidArgument(fmt::format("too many records for one split: actual={}", count));
}

Status CheckFinite(const VectorRows& rows) {
  for (size_t i = 0; i < rows.floats.size(); ++i) {
    if (std::isfinite(rows.floats[i])) continue;
    return Status::InvalidArgument(fmt::format("component {} of vector {} is not finite: {}",
                                               i % rows.dim, i / rows.dim, rows.floats[i]));
  }
  return {};
}

/// That of the first dense vector. Sparse ones do not tell theirs: if there are no others, as many
/// as they use.
size_t DimensionOf(std::span<const Record> records) {
  size_t used = 0;
  for (const Record& record : records) {
    if (!record.sparse_vector) return record.vector.size();
    for (const uint32_t index : record.sparse_vector->indices) {
      used = std::max(used, size_t{index} + 1);
    }
  }
  return used;
}

/// All vectors one after the other; none if no record has one.
Result<std::vector<float>> VectorsOf(std::span<const Record> records, size_t& dim) {
  dim = DimensionOf(records);
  if (dim > kDimMax) {
    return Status::InvalidArgument(
        fmt::format("vectors have too many components: actual={} allowed={}", dim, kDimMax));
  }
  std::vector<float> floats;
  for (size_t i = 0; i < records.size(); ++i) {
    std::vector<float> dense = records[i].vector;
    if (records[i].sparse_vector) {
      VIPER_ASSIGN_OR_RETURN(dense, records[i].sparse_vector->ToDense(dim));
    }
    if (dense.size() != dim) {
      return Status::InvalidArgument(fmt::format(
          "record {} ('{}') has another dimension than the first: expected={} actual={}", i,
          records[i].id, dim, dense.size()));
    }
    floats.insert(floats.end(), dense.begin(), dense.end());
  }
  return floats;
}

/// How many pieces of at most so many rows; also where the bound is the largest number there is.
size_t PiecesOf(size_t rows, uint64_t rows_max) {
  return rows / rows_max + (rows % rows_max == 0 ? 0 : 1);
}

/// Groups with their names, in order.
using NamedGroups = std::vector<std::pair<std::string, RowGroup>>;

/// Neighbours are joined until they are large enough, and cut evenly where they are too large.
NamedGroups EvenOut(NamedGroups groups, const PartitioningConfig& config) {
  NamedGroups joined;
  for (auto& [name, rows] : groups) {
    if (!joined.empty() && joined.back().second.size() < config.rows_min) {
      RowGroup& last = joined.back().second;
      last.insert(last.end(), rows.begin(), rows.end());
    } else {
      joined.emplace_back(std::move(name), std::move(rows));
    }
  }
  if (joined.size() > 1 && joined.back().second.size() < config.rows_min) {
    const RowGroup last = std::move(joined.back().second);
    joined.pop_back();
    RowGroup& before = joined.back().second;
    before.insert(before.end(), last.begin(), last.end());
  }
  NamedGroups even;
  for (auto& [name, rows] : joined) {
    const size_t pieces = PiecesOf(rows.size(), config.rows_max);
    for (size_t piece = 0; piece < pieces; ++piece) {
      const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(rows.size() * piece / pieces);
      const auto end =
          rows.begin() + static_cast<std::ptrdiff_t>(rows.size() * (piece + 1) / pieces);
      even.emplace_back(pieces == 1 ? name : fmt::format("{} ({} of {})", name, piece + 1, pieces),
                        RowGroup(begin, end));
    }
  }
  return even;
}

Result<NamedGroups> ByTime(std::span<const Record> records, const PartitioningConfig& config) {
  std::vector<std::pair<int64_t, uint32_t>> order;
  for (size_t i = 0; i < records.size(); ++i) {
    if (!records[i].timestamp) {
      return Status::InvalidArgument(
          fmt::format("record {} ('{}') has no timestamp to be split by", i, records[i].id));
    }
    order.emplace_back(records[i].timestamp->micros, static_cast<uint32_t>(i));
  }
  std::sort(order.begin(), order.end());
  const int64_t window = static_cast<int64_t>(config.time_window_ms) * 1000;
  const auto window_of = [&](int64_t micros) {
    return micros / window - (micros % window < 0 ? 1 : 0);
  };
  NamedGroups groups;
  int64_t current = 0;
  for (const auto& [micros, row] : order) {
    if (groups.empty() || window_of(micros) != current) {
      current = window_of(micros);
      groups.emplace_back(Timestamp{current * window}.ToString(), RowGroup());
    }
    groups.back().second.push_back(row);
  }
  return EvenOut(std::move(groups), config);
}

NamedGroups ByHash(std::span<const Record> records, const PartitioningConfig& config) {
  const size_t count = std::max(config.partition_count, PiecesOf(records.size(), config.rows_max));
  NamedGroups groups;
  for (size_t i = 0; i < count; ++i) groups.emplace_back(fmt::format("hash {}", i), RowGroup());
  for (size_t i = 0; i < records.size(); ++i) {
    groups[Hash64(records[i].id, config.seed) % count].second.push_back(static_cast<uint32_t>(i));
  }
  std::erase_if(groups, [](const auto& group) { return group.second.empty(); });
  return groups;
}

NamedGroups ByField(std::span<const Record> records, const PartitioningConfig& config) {
  std::map<std::string, RowGroup> by_value;
  for (size_t i = 0; i < records.size(); ++i) {
    const auto found = records[i].metadata.find(config.field);
    const std::string name = found == records[i].metadata.end()
                                 ? config.field + " absent"
                                 : config.field + " = " + found->second.ToJson();
    by_value[name].push_back(static_cast<uint32_t>(i));
  }
  NamedGroups groups;
  RowGroup other;
  for (auto& [name, rows] : by_value) {
    if (rows.size() < config.rows_min) {
      other.insert(other.end(), rows.begin(), rows.end());
    } else {
      groups.emplace_back(name, std::move(rows));
    }
  }
  if (!other.empty()) groups.emplace_back("other", std::move(other));
  return groups;
}

PartitionPlan MakePlan(NamedGroups groups, size_t row_count, const PartitioningConfig& config) {
  PartitionPlan plan;
  plan.partition_of_row.resize(row_count);
  for (auto& [name, rows] : groups) {
    std::sort(rows.begin(), rows.end());
    const auto number = static_cast<uint32_t>(plan.partitions.size());
    for (const uint32_t row : rows) plan.partition_of_row[row] = number;
    const uint64_t size = rows.size();
    plan.rows_smallest = plan.partitions.empty() ? size : std::min(plan.rows_smallest, size);
    plan.rows_largest = std::max(plan.rows_largest, size);
    plan.partitions.push_back({.name = name, .rows = std::move(rows)});
  }
  plan.is_within_bounds = plan.partitions.empty() || (plan.rows_smallest >= config.rows_min &&
                                                      plan.rows_largest <= config.rows_max);
  return plan;
}

Result<NamedGroups> ByVectors(const VectorRows& rows, const PartitioningConfig& config) {
  VIPER_RETURN_IF_ERROR(CheckFinite(rows));
  VIPER_ASSIGN_OR_RETURN(auto split, utilities::SplitByVectors(rows, config));
  NamedGroups groups;
  for (RowGroup& group : split) {
    groups.emplace_back(fmt::format("cluster {}", groups.size()), std::move(group));
  }
  return groups;
}

Result<NamedGroups> ByMetadata(std::span<const Record> records, const PartitioningConfig& config) {
  switch (config.algorithm) {
    case PartitionAlgorithm::kTimeWindow:
      return ByTime(records, config);
    case PartitionAlgorithm::kHash:
      return ByHash(records, config);
    default:
      return ByField(records, config);
  }
}

}  // namespace

std::string_view PartitionAlgorithmName(PartitionAlgorithm algorithm) {
  switch (algorithm) {
    case PartitionAlgorithm::kKMeans:
      return "kmeans";
    case PartitionAlgorithm::kMiniBatchKMeans:
      return "mini_batch_kmeans";
    case PartitionAlgorithm::kTimeWindow:
      return "time_window";
    case PartitionAlgorithm::kHash:
      return "hash";
    case PartitionAlgorithm::kField:
      return "field";
    case PartitionAlgorithm::kDensity:
      return "density";
  }
  return "?";
}

Status PartitioningConfig::Validate() const {
  if (partition_count < 1 || partition_count > kPartitionsMax) {
    return Status::InvalidArgument(
        fmt::format("PartitioningConfig::partition_count is out of range: min=1 max={} actual={}",
                    kPartitionsMax, partition_count));
  }
  if (rows_min < 1 || rows_max / 2 < rows_min) {
    return Status::InvalidArgument(
        fmt::format("PartitioningConfig: rows_min must be 1 or more, and rows_max twice that or "
                    "more: rows_min={} rows_max={}",
                    rows_min, rows_max));
  }
  VIPER_RETURN_IF_ERROR(
      utilities::CheckMilliseconds("PartitioningConfig::time_window_ms", time_window_ms));
  if (algorithm == PartitionAlgorithm::kField && field.empty()) {
    return Status::InvalidArgument("PartitioningConfig::field is empty text");
  }
  return {};
}

Result<PartitionPlan> DataPartitioner::Split(std::span<const Record> records) const {
  VIPER_RETURN_IF_ERROR(config_.Validate());
  VIPER_RETURN_IF_ERROR(CheckCount(records.size()));
  if (records.empty()) return PartitionPlan{};
  size_t dim = 0;
  const auto floats = VectorsOf(records, dim);
  if (GoesByVectors(config_.algorithm)) {
    VIPER_RETURN_IF_ERROR(floats.status());
    return SplitVectors(*floats, dim);
  }
  VIPER_ASSIGN_OR_RETURN(auto groups, ByMetadata(records, config_));
  PartitionPlan plan = MakePlan(std::move(groups), records.size(), config_);
  // Distances are told where there are vectors that allow it.
  if (floats.ok() && dim > 0) {
    const VectorRows rows{*floats, dim};
    if (CheckFinite(rows).ok()) utilities::MeasurePartitions(rows, plan);
  }
  return plan;
}

Result<PartitionPlan> DataPartitioner::SplitVectors(std::span<const float> vectors,
                                                    size_t dim) const {
  VIPER_RETURN_IF_ERROR(config_.Validate());
  if (!GoesByVectors(config_.algorithm)) {
    return Status::InvalidArgument(
        fmt::format("vectors alone cannot be split by '{}': pass records",
                    PartitionAlgorithmName(config_.algorithm)));
  }
  if (dim == 0 || vectors.size() % dim != 0) {
    return Status::InvalidArgument(fmt::format(
        "the floats are not rows of so many components: floats={} dim={}", vectors.size(), dim));
  }
  const VectorRows rows{vectors, dim};
  VIPER_RETURN_IF_ERROR(CheckCount(rows.count()));
  if (rows.count() == 0) return PartitionPlan{};
  VIPER_ASSIGN_OR_RETURN(auto groups, ByVectors(rows, config_));
  PartitionPlan plan = MakePlan(std::move(groups), rows.count(), config_);
  utilities::MeasurePartitions(rows, plan);
  return plan;
}

}  // namespace viper
