#include "index/clustering.h"

#include <utility>

#include "base/assert.h"
#include "index/row_assigner.h"
#include "kernels/kernel_table.h"

namespace viper::index {

void Clustering::Assign(const float* rows, size_t row_count, uint32_t* clusters,
                        float* squared_distances) const {
  RowAssigner(centroids_, levels_).Assign(rows, row_count, clusters);
  MeasureDistances(rows, row_count, clusters, squared_distances);
}

void Clustering::AssignExactly(const float* rows, size_t row_count, uint32_t* clusters,
                               float* squared_distances) const {
  RowAssigner(centroids_, levels_).AssignExactly(rows, row_count, clusters);
  MeasureDistances(rows, row_count, clusters, squared_distances);
}

void Clustering::MeasureDistances(const float* rows, size_t row_count, const uint32_t* clusters,
                                  float* squared_distances) const {
  if (squared_distances == nullptr) return;
  // From differences, since a score has lost what is small beside the norms.
  const kernels::KernelTable& kernel = kernels::Active();
  for (size_t i = 0; i < row_count; ++i) {
    const std::span<const float> row(rows + i * dim(), dim());
    kernel.squared_l2(std::as_bytes(row).data(), 1, dim(), centroids_.vector(clusters[i]),
                      squared_distances + i);
  }
}

Clustering MakeClustering(std::vector<float> centroids, size_t dim) {
  VIPER_ASSERT(dim > 0 && !centroids.empty());
  Clustering clustering;
  clustering.centroids_ = CentroidList(std::move(centroids), dim);
  clustering.levels_ = CentroidLevels(clustering.centroids_);
  return clustering;
}

}  // namespace viper::index
