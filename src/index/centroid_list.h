#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernel_table.h"

namespace viper::index {

/// Centroids and what it takes to compare rows with them by KernelTable::nearest. There, rows and
/// centroids are taken less the *origin*, the mean of the centroids: without it scores of data that
/// lie far from zero would round to the same number. A value; immutable; thread-safe.
class CentroidList {
 public:
  CentroidList() = default;
  /// `vectors`: count x dim, row-major, finite.
  CentroidList(std::vector<float> vectors, size_t dim);

  size_t dim() const { return dim_; }
  size_t count() const { return biases_.size(); }
  std::span<const float> vectors() const { return vectors_; }
  const float* vector(size_t number) const { return vectors_.data() + number * dim_; }
  /// `dim` floats.
  std::span<const float> origin() const { return origin_; }
  /// See kernels::NearestSlot.
  float bias(size_t number) const { return biases_[number]; }

  /// Put the centroids of these numbers, in their order, into panels; slot i is numbers[i].
  void Pack(std::span<const uint32_t> numbers, std::vector<kernels::PanelLine>& panels) const;

 private:
  size_t dim_ = 0;
  std::vector<float> vectors_;
  std::vector<float> origin_;
  std::vector<float> biases_;
};

/// Compares rows with packed centroids. Holds scratch memory: one per thread.
class NearestSearch {
 public:
  /// `origin` (see CentroidList) is not owned.
  explicit NearestSearch(std::span<const float> origin);

  /// nearest[i] = the nearest of the panels for row numbers[i] of `rows`, which are floats of the
  /// origin's dim, row-major. Of equal scores the lowest slot counts.
  void Find(const float* rows, std::span<const uint32_t> numbers,
            std::span<const kernels::PanelLine> panels, kernels::NearestSlot* nearest);
  /// The same for rows [0, count).
  void Find(const float* rows, size_t count, std::span<const kernels::PanelLine> panels,
            kernels::NearestSlot* nearest);

 private:
  void Gather(const float* row, size_t place);
  void FindForGathered(size_t count, std::span<const kernels::PanelLine> panels,
                       kernels::NearestSlot* nearest);

  const kernels::KernelTable& kernel_;
  const std::span<const float> origin_;
  const size_t rows_at_once_;
  const size_t panels_at_once_;
  std::vector<float> gathered_;  // rows less the origin
  std::vector<kernels::NearestSlot> partial_;
};

/// Put `count` vectors (count x dim, row-major) into panels as they are, without an origin.
void PackVectors(const float* vectors, size_t count, size_t dim,
                 std::vector<kernels::PanelLine>& panels);

/// 0, 1, ... count - 1.
std::vector<uint32_t> NumbersTo(size_t count);

}  // namespace viper::index
