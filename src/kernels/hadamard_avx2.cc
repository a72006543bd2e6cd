// The transform with eight lanes: up to eight vectors stay in registers from distance 1 to 32, then
// passes over memory do two distances at a time. A product with 1 or -1 is exact, so that a
// fused multiply-add rounds as the sum or difference does.

#include <immintrin.h>

#include <cstddef>

#include "kernels/level_functions.h"

namespace viper::kernels::avx2 {
namespace {

constexpr size_t kLanes = 8;
constexpr size_t kVectorsMax = 8;

/// 1 in the lanes that become sums, -1 in those that become differences, at a distance of lanes.
struct Signs {
  __m256 by1, by2, by4;
};

/// Distances 1 to 4.
[[gnu::always_inline]] inline __m256 WithinLanes(__m256 v, const Signs& signs) {
  v = _mm256_fmadd_ps(v, signs.by1, _mm256_permute_ps(v, 0xB1));
  v = _mm256_fmadd_ps(v, signs.by2, _mm256_permute_ps(v, 0x4E));
  return _mm256_fmadd_ps(v, signs.by4, _mm256_permute2f128_ps(v, v, 0x01));
}

template <size_t Vectors>
void TransformInRegisters(float* values, const Signs& signs) {
  __m256 v[Vectors];
#pragma GCC unroll 8
  for (size_t i = 0; i < Vectors; ++i) {
    v[i] = WithinLanes(_mm256_loadu_ps(values + i * kLanes), signs);
  }
#pragma GCC unroll 4
  for (size_t distance = 1; distance < Vectors; distance *= 2) {
#pragma GCC unroll 8
    for (size_t i = 0; i < Vectors; ++i) {
      if ((i & distance) != 0) continue;
      const __m256 a = v[i];
      const __m256 b = v[i + distance];
      v[i] = _mm256_add_ps(a, b);
      v[i + distance] = _mm256_sub_ps(a, b);
    }
  }
#pragma GCC unroll 8
  for (size_t i = 0; i < Vectors; ++i) _mm256_storeu_ps(values + i * kLanes, v[i]);
}

void OneDistance(float* values, size_t size, size_t distance) {
  for (size_t first = 0; first < size; first += 2 * distance) {
    for (size_t i = first; i < first + distance; i += kLanes) {
      const __m256 a = _mm256_loadu_ps(values + i);
      const __m256 b = _mm256_loadu_ps(values + i + distance);
      _mm256_storeu_ps(values + i, _mm256_add_ps(a, b));
      _mm256_storeu_ps(values + i + distance, _mm256_sub_ps(a, b));
    }
  }
}

/// `distance`, then twice that.
void TwoDistances(float* values, size_t size, size_t distance) {
  for (size_t first = 0; first < size; first += 4 * distance) {
    for (size_t i = first; i < first + distance; i += kLanes) {
      const __m256 a = _mm256_loadu_ps(values + i);
      const __m256 b = _mm256_loadu_ps(values + i + distance);
      const __m256 c = _mm256_loadu_ps(values + i + 2 * distance);
      const __m256 d = _mm256_loadu_ps(values + i + 3 * distance);
      const __m256 ab_sum = _mm256_add_ps(a, b);
      const __m256 ab_difference = _mm256_sub_ps(a, b);
      const __m256 cd_sum = _mm256_add_ps(c, d);
      const __m256 cd_difference = _mm256_sub_ps(c, d);
      _mm256_storeu_ps(values + i, _mm256_add_ps(ab_sum, cd_sum));
      _mm256_storeu_ps(values + i + distance, _mm256_add_ps(ab_difference, cd_difference));
      _mm256_storeu_ps(values + i + 2 * distance, _mm256_sub_ps(ab_sum, cd_sum));
      _mm256_storeu_ps(values + i + 3 * distance, _mm256_sub_ps(ab_difference, cd_difference));
    }
  }
}

}  // namespace

void Hadamard(float* values, size_t size) {
  if (size < kLanes) return scalar::Hadamard(values, size);
  const Signs signs = {_mm256_setr_ps(1, -1, 1, -1, 1, -1, 1, -1),
                       _mm256_setr_ps(1, 1, -1, -1, 1, 1, -1, -1),
                       _mm256_setr_ps(1, 1, 1, 1, -1, -1, -1, -1)};
  switch (size / kLanes) {
    case 1:
      return TransformInRegisters<1>(values, signs);
    case 2:
      return TransformInRegisters<2>(values, signs);
    case 4:
      return TransformInRegisters<4>(values, signs);
    default:
      break;
  }
  size_t distance = kVectorsMax * kLanes;
  for (size_t first = 0; first < size; first += distance) {
    TransformInRegisters<kVectorsMax>(values + first, signs);
  }
  for (; 4 * distance <= size; distance *= 4) TwoDistances(values, size, distance);
  if (distance < size) OneDistance(values, size, distance);
}

}  // namespace viper::kernels::avx2
