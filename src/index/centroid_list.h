#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/panel.h"

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
  /// `dim` floats.
  const float* vector(size_t number) const { return vectors_.data() + number * dim_; }
  /// `dim` floats.
  std::span<const float> origin() const { return origin_; }

  /// Put the centroids of these numbers, less the origin, into panels; slot i is numbers[i].
  void Pack(std::span<const uint32_t> numbers, std::vector<kernels::PanelLine>& panels) const;

 private:
  size_t dim_ = 0;
  std::vector<float> vectors_;
  std::vector<float> origin_;
  std::vector<float> biases_;  // see kernels::NearestSlot
};

/// The mean of `count` vectors (count x dim, row-major, at least one), summed in double precision.
std::vector<float> MeanOf(const float* vectors, size_t count, size_t dim);

/// centred = `count` vectors (count x dim, row-major) less the origin. May be done in place.
void SubtractOrigin(const float* vectors, size_t count, std::span<const float> origin,
                    float* centred);

/// Put `count` vectors (count x dim, row-major) into panels as they are.
void PackVectors(const float* vectors, size_t count, size_t dim,
                 std::vector<kernels::PanelLine>& panels);

/// Panels that so many vectors fill.
constexpr size_t PanelCount(size_t vector_count) {
  return (vector_count + kernels::kPanelLanes - 1) / kernels::kPanelLanes;
}

}  // namespace viper::index
