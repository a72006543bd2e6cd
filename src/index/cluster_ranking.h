#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/model.h"

namespace viper::index {

/// A cluster and how near its centroid is to a query: squared distance in the prepared space, or
/// for dot minus the inner product.
struct ClusterDistance {
  float value = 0;
  uint32_t cluster = 0;
};
/// Nearer first, of equally near ones the lower number.
bool IsNearer(const ClusterDistance& a, const ClusterDistance& b);
/// `query` is prepared.
float CentroidValue(const Model& model, uint32_t cluster, const float* query);

/// Sorts by IsNearer; keeps its memory from one sort to the next. Not thread-safe.
class ClusterSorter {
 public:
  void Sort(std::span<ClusterDistance> clusters);

 private:
  std::vector<ClusterDistance> sorted_;
  std::vector<uint32_t> bucket_ends_;
};

/// What probe curves go by: squared distances, which rise. For dot those of <q, c> from the largest
/// inner product that any centroid could have.
void AppendProbeDistances(const Model& model, std::span<const float> query,
                          std::span<const ClusterDistance> ranked,
                          std::vector<float>& squared_distances);
/// The nearest `count` clusters of a query (or all), nearest first, by exact centroid distances.
std::vector<ClusterDistance> RankClusters(const Model& model, std::span<const float> query,
                                          size_t count);

}  // namespace viper::index
