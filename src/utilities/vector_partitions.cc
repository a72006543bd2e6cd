#include "utilities/vector_partitions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/random.h"
#include "base/status_macros.h"
#include "index/clustering.h"
#include "index/lloyd.h"
#include "utilities/density_partitions.h"

namespace viper::utilities {
namespace {

/// Rows that centroids are trained on, for each of them.
constexpr size_t kTrainingRows = 128;
/// Of mini-batch k-means.
constexpr size_t kBatchRows = 1024;
constexpr size_t kBatches = 100;
constexpr int kHalvingRounds = 10;
/// Multiplications that the distances of a plan may take; of more rows a sample is measured.
constexpr size_t kMeasuringCost = size_t{2} << 30;
constexpr size_t kSilhouetteRows = 1'000;

/// Sculley, Web-scale k-means clustering (2010): each centroid moves toward a row of the batch by
/// one over the number of rows that it has got so far.
std::vector<float> MiniBatchCentroids(const VectorRows& rows, size_t count, uint64_t seed) {
  const size_t dim = rows.dim;
  std::vector<float> centroids = GatherRows(rows, index::DrawNumbers(count, rows.count(), seed));
  std::vector<uint64_t> taken(count, 0);
  Random random(seed + 1);
  std::vector<uint32_t> batch(std::min(kBatchRows, rows.count()));
  std::vector<uint32_t> nearest(batch.size());
  for (size_t round = 0; round < kBatches; ++round) {
    for (uint32_t& row : batch) row = static_cast<uint32_t>(random.Uniform(rows.count()));
    const std::vector<float> floats = GatherRows(rows, batch);
    index::MakeClustering(centroids, dim)
        .AssignExactly(floats.data(), batch.size(), nearest.data(), nullptr);
    for (size_t i = 0; i < batch.size(); ++i) {
      const auto rate = 1.0F / static_cast<float>(++taken[nearest[i]]);
      float* centroid = centroids.data() + nearest[i] * dim;
      for (size_t d = 0; d < dim; ++d) centroid[d] += rate * (floats[i * dim + d] - centroid[d]);
    }
  }
  return centroids;
}

Result<index::Clustering> Train(const VectorRows& rows, const PartitioningConfig& config) {
  const size_t count = std::min(config.partition_count, rows.count());
  if (config.algorithm == PartitionAlgorithm::kMiniBatchKMeans) {
    return index::MakeClustering(MiniBatchCentroids(rows, count, config.seed), rows.dim);
  }
  const size_t wanted = std::min(rows.count(), count * kTrainingRows);
  const std::vector<float> sample =
      GatherRows(rows, index::DrawNumbers(wanted, rows.count(), config.seed));
  return index::TrainClustering(sample.data(), wanted, rows.dim,
                                {.cluster_count = count, .seed = config.seed});
}

Result<std::vector<RowGroup>> SplitByMeans(const VectorRows& rows,
                                           const PartitioningConfig& config) {
  VIPER_ASSIGN_OR_RETURN(const index::Clustering clustering, Train(rows, config));
  std::vector<uint32_t> clusters(rows.count());
  clustering.AssignExactly(rows.floats.data(), rows.count(), clusters.data(), nullptr);
  std::vector<RowGroup> groups(clustering.cluster_count());
  for (size_t row = 0; row < clusters.size(); ++row) {
    groups[clusters[row]].push_back(static_cast<uint32_t>(row));
  }
  return groups;
}

/// The group's two means, by Lloyd's rounds from two rows that are far from each other.
std::pair<std::vector<float>, std::vector<float>> TwoMeans(const VectorRows& rows,
                                                           const RowGroup& group) {
  const auto farthest_from = [&](const float* from) {
    return *std::max_element(group.begin(), group.end(), [&](uint32_t a, uint32_t b) {
      return SquaredDistance(rows.row(a), from, rows.dim) <
             SquaredDistance(rows.row(b), from, rows.dim);
    });
  };
  const float* first_row = rows.row(farthest_from(MeanOf(rows, group).data()));
  const float* second_row = rows.row(farthest_from(first_row));
  std::vector<float> first(first_row, first_row + rows.dim);
  std::vector<float> second(second_row, second_row + rows.dim);
  for (int round = 0; round < kHalvingRounds; ++round) {
    RowGroup near_first;
    RowGroup near_second;
    for (const uint32_t row : group) {
      const bool is_first = SquaredDistance(rows.row(row), first.data(), rows.dim) <=
                            SquaredDistance(rows.row(row), second.data(), rows.dim);
      (is_first ? near_first : near_second).push_back(row);
    }
    if (near_first.empty() || near_second.empty()) break;
    first = MeanOf(rows, near_first);
    second = MeanOf(rows, near_second);
  }
  return {std::move(first), std::move(second)};
}

std::pair<RowGroup, RowGroup> Halve(const VectorRows& rows, const RowGroup& group,
                                    uint64_t rows_min) {
  const auto [first, second] = TwoMeans(rows, group);
  // Below 0 a row is nearer to the first.
  std::vector<std::pair<double, uint32_t>> order;
  order.reserve(group.size());
  for (const uint32_t row : group) {
    order.emplace_back(SquaredDistance(rows.row(row), first.data(), rows.dim) -
                           SquaredDistance(rows.row(row), second.data(), rows.dim),
                       row);
  }
  std::sort(order.begin(), order.end());
  auto cut =
      static_cast<size_t>(std::partition_point(order.begin(), order.end(),
                                               [](const auto& entry) { return entry.first <= 0; }) -
                          order.begin());
  if (cut < rows_min || order.size() - cut < rows_min) cut = order.size() / 2;
  std::pair<RowGroup, RowGroup> halves;
  for (size_t i = 0; i < order.size(); ++i) {
    (i < cut ? halves.first : halves.second).push_back(order[i].second);
  }
  std::sort(halves.first.begin(), halves.first.end());
  std::sort(halves.second.begin(), halves.second.end());
  return halves;
}

void JoinSmall(const VectorRows& rows, uint64_t rows_min, std::vector<RowGroup>& groups) {
  std::vector<std::vector<float>> means;
  for (const RowGroup& group : groups) means.push_back(MeanOf(rows, group));
  while (groups.size() > 1) {
    const auto smallest = static_cast<size_t>(
        std::min_element(groups.begin(), groups.end(),
                         [](const auto& a, const auto& b) { return a.size() < b.size(); }) -
        groups.begin());
    if (groups[smallest].size() >= rows_min) return;
    size_t nearest = 0;
    double nearest_distance = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < groups.size(); ++i) {
      if (i == smallest) continue;
      const double distance = SquaredDistance(means[i].data(), means[smallest].data(), rows.dim);
      if (distance < nearest_distance) {
        nearest = i;
        nearest_distance = distance;
      }
    }
    RowGroup joined;
    std::merge(groups[nearest].begin(), groups[nearest].end(), groups[smallest].begin(),
               groups[smallest].end(), std::back_inserter(joined));
    groups[nearest] = std::move(joined);
    means[nearest] = MeanOf(rows, groups[nearest]);
    groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(smallest));
    means.erase(means.begin() + static_cast<std::ptrdiff_t>(smallest));
  }
}

void SplitLarge(const VectorRows& rows, const PartitioningConfig& config,
                std::vector<RowGroup>& groups) {
  for (size_t i = 0; i < groups.size();) {
    if (groups[i].size() <= config.rows_max) {
      ++i;
      continue;
    }
    auto [first, second] = Halve(rows, groups[i], config.rows_min);
    groups[i] = std::move(first);
    groups.push_back(std::move(second));
  }
}

/// Rows to measure: all, or evenly chosen ones.
size_t StrideOf(size_t row_count, size_t row_cost) {
  return std::max<size_t>(1, row_count * std::max<size_t>(1, row_cost) / kMeasuringCost);
}

double Silhouette(const VectorRows& rows, const PartitionPlan& plan) {
  const auto sample = index::DrawNumbers(std::min(kSilhouetteRows, rows.count()), rows.count(), 0);
  double sum = 0;
  uint64_t counted = 0;
  for (const uint32_t row : sample) {
    std::vector<double> distances(plan.partitions.size(), 0);
    std::vector<uint64_t> counts(plan.partitions.size(), 0);
    for (const uint32_t other : sample) {
      if (other == row) continue;
      const uint32_t partition = plan.partition_of_row[other];
      distances[partition] += std::sqrt(SquaredDistance(rows.row(row), rows.row(other), rows.dim));
      ++counts[partition];
    }
    const uint32_t own = plan.partition_of_row[row];
    if (counts[own] == 0) continue;
    double nearest = std::numeric_limits<double>::infinity();
    for (size_t p = 0; p < distances.size(); ++p) {
      if (p != own && counts[p] > 0) {
        nearest = std::min(nearest, distances[p] / static_cast<double>(counts[p]));
      }
    }
    const double inside = distances[own] / static_cast<double>(counts[own]);
    const double larger = std::max(inside, nearest);
    if (!std::isfinite(nearest)) continue;
    sum += larger > 0 ? (nearest - inside) / larger : 0;
    ++counted;
  }
  return counted == 0 ? 0 : sum / static_cast<double>(counted);
}

}  // namespace

double SquaredDistance(const float* a, const float* b, size_t dim) {
  double sum = 0;
  for (size_t d = 0; d < dim; ++d) {
    const double difference = static_cast<double>(a[d]) - static_cast<double>(b[d]);
    sum += difference * difference;
  }
  return sum;
}

std::vector<float> GatherRows(const VectorRows& rows, std::span<const uint32_t> group) {
  std::vector<float> gathered;
  gathered.reserve(group.size() * rows.dim);
  for (const uint32_t row : group) {
    gathered.insert(gathered.end(), rows.row(row), rows.row(row) + rows.dim);
  }
  return gathered;
}

std::vector<float> MeanOf(const VectorRows& rows, std::span<const uint32_t> group) {
  std::vector<double> sum(rows.dim, 0);
  for (const uint32_t row : group) {
    for (size_t d = 0; d < rows.dim; ++d) sum[d] += static_cast<double>(rows.row(row)[d]);
  }
  std::vector<float> mean(rows.dim);
  for (size_t d = 0; d < rows.dim; ++d) {
    mean[d] = static_cast<float>(sum[d] / static_cast<double>(group.size()));
  }
  return mean;
}

Result<std::vector<RowGroup>> SplitByVectors(const VectorRows& rows,
                                             const PartitioningConfig& config) {
  std::vector<RowGroup> groups;
  if (config.algorithm == PartitionAlgorithm::kDensity) {
    groups = SplitByDensity(rows, config.rows_min, config.seed);
  } else {
    VIPER_ASSIGN_OR_RETURN(groups, SplitByMeans(rows, config));
  }
  std::erase_if(groups, [](const RowGroup& group) { return group.empty(); });
  JoinSmall(rows, config.rows_min, groups);
  SplitLarge(rows, config, groups);
  return groups;
}

void MeasurePartitions(const VectorRows& rows, PartitionPlan& plan) {
  if (rows.count() == 0) return;
  const size_t dim = rows.dim;
  for (Partition& partition : plan.partitions) partition.centroid = MeanOf(rows, partition.rows);
  double own_sum = 0;
  double second_sum = 0;
  uint64_t count = 0;
  const size_t stride = StrideOf(rows.count(), plan.partitions.size() * dim);
  const bool has_others = plan.partitions.size() > 1;
  for (size_t p = 0; p < plan.partitions.size(); ++p) {
    Partition& partition = plan.partitions[p];
    double own = 0;
    double second = 0;
    uint64_t measured = 0;
    for (size_t i = 0; i < partition.rows.size(); i += stride, ++measured) {
      const float* row = rows.row(partition.rows[i]);
      own += std::sqrt(SquaredDistance(row, partition.centroid.data(), dim));
      double nearest = std::numeric_limits<double>::infinity();
      for (size_t other = 0; other < plan.partitions.size(); ++other) {
        if (other == p) continue;
        nearest =
            std::min(nearest, SquaredDistance(row, plan.partitions[other].centroid.data(), dim));
      }
      if (has_others) second += std::sqrt(nearest);
    }
    partition.own_distance = own / static_cast<double>(measured);
    if (has_others) partition.second_distance = second / static_cast<double>(measured);
    own_sum += own;
    second_sum += second;
    count += measured;
  }
  plan.own_distance = own_sum / static_cast<double>(count);
  if (!has_others) return;
  plan.second_distance = second_sum / static_cast<double>(count);
  plan.silhouette = Silhouette(rows, plan);
}

}  // namespace viper::utilities
