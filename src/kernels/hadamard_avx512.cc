// The transform with sixteen lanes: up to sixteen vectors stay in registers from distance 1 to 128,
// then passes over memory do two distances at a time. A product with 1 or -1 is exact, so that a
// fused multiply-add rounds as the sum or difference does.

#include <immintrin.h>

#include <cstddef>

#include "kernels/level_functions.h"

namespace viper::kernels::avx512 {
namespace {

constexpr size_t kLanes = 16;
constexpr size_t kVectorsMax = 16;

/// 1 in the lanes that become sums, -1 in those that become differences, at a distance of lanes.
struct Signs {
  __m512 by1, by2, by4, by8;
};

__m512 SignsOf(__mmask16 differences) {
  return _mm512_mask_blend_ps(differences, _mm512_set1_ps(1), _mm512_set1_ps(-1));
}

/// Distances 1 to 8.
[[gnu::always_inline]] inline __m512 WithinLanes(__m512 v, const Signs& signs) {
  v = _mm512_fmadd_ps(v, signs.by1, _mm512_permute_ps(v, 0xB1));
  v = _mm512_fmadd_ps(v, signs.by2, _mm512_permute_ps(v, 0x4E));
  v = _mm512_fmadd_ps(v, signs.by4, _mm512_shuffle_f32x4(v, v, 0xB1));
  return _mm512_fmadd_ps(v, signs.by8, _mm512_shuffle_f32x4(v, v, 0x4E));
}

template <size_t Vectors>
void TransformInRegisters(float* values, const Signs& signs) {
  __m512 v[Vectors];
#pragma GCC unroll 16
  for (size_t i = 0; i < Vectors; ++i) {
    v[i] = WithinLanes(_mm512_loadu_ps(values + i * kLanes), signs);
  }
#pragma GCC unroll 4
  for (size_t distance = 1; distance < Vectors; distance *= 2) {
#pragma GCC unroll 16
    for (size_t i = 0; i < Vectors; ++i) {
      if ((i & distance) != 0) continue;
      const __m512 a = v[i];
      const __m512 b = v[i + distance];
      v[i] = _mm512_add_ps(a, b);
      v[i + distance] = _mm512_sub_ps(a, b);
    }
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < Vectors; ++i) _mm512_storeu_ps(values + i * kLanes, v[i]);
}

void OneDistance(float* values, size_t size, size_t distance) {
  for (size_t first = 0; first < size; first += 2 * distance) {
    for (size_t i = first; i < first + distance; i += kLanes) {
      const __m512 a = _mm512_loadu_ps(values + i);
      const __m512 b = _mm512_loadu_ps(values + i + distance);
      _mm512_storeu_ps(values + i, _mm512_add_ps(a, b));
      _mm512_storeu_ps(values + i + distance, _mm512_sub_ps(a, b));
    }
  }
}

/// `distance`, then twice that.
void TwoDistances(float* values, size_t size, size_t distance) {
  for (size_t first = 0; first < size; first += 4 * distance) {
    for (size_t i = first; i < first + distance; i += kLanes) {
      const __m512 a = _mm512_loadu_ps(values + i);
      const __m512 b = _mm512_loadu_ps(values + i + distance);
      const __m512 c = _mm512_loadu_ps(values + i + 2 * distance);
      const __m512 d = _mm512_loadu_ps(values + i + 3 * distance);
      const __m512 ab_sum = _mm512_add_ps(a, b);
      const __m512 ab_difference = _mm512_sub_ps(a, b);
      const __m512 cd_sum = _mm512_add_ps(c, d);
      const __m512 cd_difference = _mm512_sub_ps(c, d);
      _mm512_storeu_ps(values + i, _mm512_add_ps(ab_sum, cd_sum));
      _mm512_storeu_ps(values + i + distance, _mm512_add_ps(ab_difference, cd_difference));
      _mm512_storeu_ps(values + i + 2 * distance, _mm512_sub_ps(ab_sum, cd_sum));
      _mm512_storeu_ps(values + i + 3 * distance, _mm512_sub_ps(ab_difference, cd_difference));
    }
  }
}

}  // namespace

void Hadamard(float* values, size_t size) {
  if (size < kLanes) return scalar::Hadamard(values, size);
  const Signs signs = {SignsOf(0xAAAA), SignsOf(0xCCCC), SignsOf(0xF0F0), SignsOf(0xFF00)};
  switch (size / kLanes) {
    case 1:
      return TransformInRegisters<1>(values, signs);
    case 2:
      return TransformInRegisters<2>(values, signs);
    case 4:
      return TransformInRegisters<4>(values, signs);
    case 8:
      return TransformInRegisters<8>(values, signs);
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

}  // namespace viper::kernels::avx512
