#include "index/cluster_ranking.h"

#include <algorithm>
#include <cmath>

#include "index/exact_distance.h"
#include "kernels/kernel_table.h"

namespace viper::index {

bool IsNearer(const ClusterDistance& a, const ClusterDistance& b) {
  return a.value != b.value ? a.value < b.value : a.cluster < b.cluster;
}

/// `query` is prepared.
float CentroidValue(const Model& model, uint32_t cluster, const float* query) {
  const kernels::KernelTable& kernel = kernels::Active();
  const auto* row = reinterpret_cast<const std::byte*>(model.centroid(cluster));
  float value = 0;
  if (model.metric() == Metric::kDot) {
    kernel.dot(row, 1, model.dim(), query, 1, &value);
    return -value;
  }
  kernel.squared_l2(row, 1, model.dim(), query, 1, &value);
  return value;
}

/// Clusters go into buckets by value, as many as there are clusters, which leaves few out of place
/// for the insertion sort.
void ClusterSorter::Sort(std::span<ClusterDistance> clusters) {
  if (clusters.empty()) return;
  const auto [low, high] = std::minmax_element(
      clusters.begin(), clusters.end(),
      [](const ClusterDistance& a, const ClusterDistance& b) { return a.value < b.value; });
  const float least = low->value;
  const size_t count = clusters.size();
  const float scale =
      high->value > least ? static_cast<float>(count - 1) / (high->value - least) : 0;
  const auto bucket_of = [&](float value) {
    return std::min(count - 1, static_cast<size_t>((value - least) * scale));
  };
  bucket_ends_.assign(count + 1, 0);
  for (const ClusterDistance& cluster : clusters) ++bucket_ends_[bucket_of(cluster.value) + 1];
  for (size_t i = 0; i < count; ++i) bucket_ends_[i + 1] += bucket_ends_[i];
  sorted_.resize(count);
  for (const ClusterDistance& cluster : clusters) {
    sorted_[bucket_ends_[bucket_of(cluster.value)]++] = cluster;
  }
  for (size_t i = 0; i < count; ++i) {
    size_t place = i;
    for (; place > 0 && IsNearer(sorted_[i], clusters[place - 1]); --place) {
      clusters[place] = clusters[place - 1];
    }
    clusters[place] = sorted_[i];
  }
}

void AppendProbeDistances(const Model& model, std::span<const float> query,
                          std::span<const ClusterDistance> ranked,
                          std::vector<float>& squared_distances) {
  if (model.metric() != Metric::kDot) {
    for (const ClusterDistance& cluster : ranked) squared_distances.push_back(cluster.value);
    return;
  }
  const double norm = std::sqrt(SquaredNormOf(query.data(), query.size()));
  const auto largest = static_cast<float>(norm * model.max_centroid_norm());
  for (const ClusterDistance& cluster : ranked) {
    const float distance = std::max(0.0F, largest + cluster.value);
    squared_distances.push_back(distance * distance);
  }
}

std::vector<ClusterDistance> RankClusters(const Model& model, std::span<const float> query,
                                          size_t count) {
  std::vector<float> prepared(model.dim());
  model.PrepareQuery(query.data(), prepared.data());
  std::vector<ClusterDistance> ranked(model.cluster_count());
  for (uint32_t i = 0; i < ranked.size(); ++i) {
    ranked[i] = {CentroidValue(model, i, prepared.data()), i};
  }
  const size_t kept = std::min(count, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<ptrdiff_t>(kept), ranked.end(),
                    IsNearer);
  ranked.resize(kept);
  return ranked;
}

}  // namespace viper::index
