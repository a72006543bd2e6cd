#include "index/lloyd.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/assert.h"
#include "base/random.h"
#include "index/centroid_list.h"
#include "index/row_groups.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

using kernels::NearestSlot;
using kernels::PanelLine;

/// Rows that are compared at once: with their answers they stay in an L1 or L2 cache.
constexpr size_t kRowsAtOnce = 96;
/// From one question whether to go on to the next so many components are multiplied: milliseconds.
constexpr size_t kProductsBetweenQuestions = size_t{1} << 26;

class Lloyd {
 public:
  Lloyd(const float* rows, size_t row_count, size_t dim, const LloydOptions& options);

  /// One iteration: rows to their nearest centroids, then centroids to the means of their rows.
  /// False = stopped on the way, or no row has changed its cluster: it is done.
  bool Iterate();
  LloydResult Finish() && { return {std::move(centroids_), std::move(clusters_)}; }

 private:
  /// False = stopped, or nothing has changed.
  bool AssignRows();
  /// So many rows more were compared with all centroids.
  bool GoesOn(size_t rows);
  void MoveCentroids();
  void FillEmptyClusters();

  const float* rows_;
  const size_t row_count_;
  const size_t dim_;
  const size_t cluster_count_;
  const std::function<bool()>& going_;
  size_t products_ = 0;  // since the last question
  std::vector<float> centroids_;
  std::vector<uint32_t> clusters_;  // per row
  std::vector<PanelLine> panels_;
  // Per cluster.
  std::vector<double> sums_;
  std::vector<size_t> sizes_;
};

Lloyd::Lloyd(const float* rows, size_t row_count, size_t dim, const LloydOptions& options)
    : rows_(rows),
      row_count_(row_count),
      dim_(dim),
      cluster_count_(options.cluster_count),
      going_(options.going),
      clusters_(row_count, static_cast<uint32_t>(cluster_count_)),
      sums_(cluster_count_ * dim),
      sizes_(cluster_count_) {
  VIPER_ASSERT(cluster_count_ > 0 && cluster_count_ <= row_count);
  centroids_.reserve(cluster_count_ * dim);
  for (const uint32_t row : DrawNumbers(cluster_count_, row_count, options.seed)) {
    centroids_.insert(centroids_.end(), rows + row * dim, rows + (row + 1) * dim);
  }
}

bool Lloyd::Iterate() {
  if (!AssignRows()) return false;
  MoveCentroids();
  FillEmptyClusters();
  return true;
}

bool Lloyd::GoesOn(size_t rows) {
  products_ += rows * cluster_count_ * dim_;
  if (products_ < kProductsBetweenQuestions) return true;
  products_ = 0;
  return !going_ || going_();
}

bool Lloyd::AssignRows() {
  const kernels::KernelTable& kernel = kernels::Active();
  PackVectors(centroids_.data(), cluster_count_, dim_, panels_);
  const float* row_pointers[kRowsAtOnce];
  NearestSlot nearest[kRowsAtOnce];
  std::fill(sums_.begin(), sums_.end(), 0.0);
  std::fill(sizes_.begin(), sizes_.end(), size_t{0});
  bool changed = false;
  for (size_t first = 0; first < row_count_; first += kRowsAtOnce) {
    const size_t count = std::min(kRowsAtOnce, row_count_ - first);
    for (size_t i = 0; i < count; ++i) row_pointers[i] = rows_ + (first + i) * dim_;
    kernel.nearest(row_pointers, count, dim_, {panels_.data(), panels_.size() / (dim_ + 1)},
                   nearest, nullptr);
    for (size_t i = 0; i < count; ++i) {
      const uint32_t cluster = nearest[i].slot;
      changed |= clusters_[first + i] != cluster;
      clusters_[first + i] = cluster;
      ++sizes_[cluster];
      const float* row = rows_ + (first + i) * dim_;
      double* sum = sums_.data() + cluster * dim_;
      for (size_t d = 0; d < dim_; ++d) sum[d] += row[d];
    }
    if (!GoesOn(count)) return false;
  }
  return changed;
}

void Lloyd::MoveCentroids() {
  for (size_t c = 0; c < cluster_count_; ++c) {
    if (sizes_[c] == 0) continue;
    for (size_t d = 0; d < dim_; ++d) {
      centroids_[c * dim_ + d] =
          static_cast<float>(sums_[c * dim_ + d] / static_cast<double>(sizes_[c]));
    }
  }
}

void Lloyd::FillEmptyClusters() {
  for (size_t c = 0; c < cluster_count_; ++c) {
    if (sizes_[c] > 0) continue;
    const auto largest =
        static_cast<size_t>(std::max_element(sizes_.begin(), sizes_.end()) - sizes_.begin());
    SplitCentroid(centroids_.data() + largest * dim_, centroids_.data() + c * dim_, dim_);
    sizes_[c] = sizes_[largest] / 2;
    sizes_[largest] -= sizes_[c];
    // Nothing is left to share: the rows are fewer than the clusters.
    if (sizes_[c] == 0) return;
  }
}

}  // namespace

LloydResult RunLloyd(const float* rows, size_t row_count, size_t dim, const LloydOptions& options) {
  Lloyd lloyd(rows, row_count, dim, options);
  for (size_t i = 0; i < options.iterations && lloyd.Iterate(); ++i) {
  }
  return std::move(lloyd).Finish();
}

std::vector<uint32_t> DrawNumbers(size_t count, size_t bound, uint64_t seed) {
  // The first steps of a shuffle (Fisher and Yates).
  Random random(seed);
  std::vector<uint32_t> numbers = NumbersTo(bound);
  for (size_t i = 0; i < count; ++i) std::swap(numbers[i], numbers[i + random.Uniform(bound - i)]);
  numbers.resize(count);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

void SplitCentroid(float* original, float* copy, size_t dim) {
  constexpr float kPart = 1.0F / 1024;
  for (size_t d = 0; d < dim; ++d) {
    const float part = (d % 2 == 0 ? kPart : -kPart) * original[d];
    copy[d] = original[d] + part;
    original[d] -= part;
  }
}

}  // namespace viper::index
