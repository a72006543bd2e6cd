// The sums of exact_scalar.cc, four to a register.

#include <immintrin.h>

#include "kernels/exact_levels.h"

namespace viper::kernels::avx2 {
namespace {

constexpr size_t kSums = 16;

const float* At(const std::byte* row, size_t i) {
  return reinterpret_cast<const float*>(row + i * sizeof(float));
}

__m256d LoadFour(const std::byte* row, size_t i) {
  return _mm256_cvtps_pd(_mm_loadu_ps(At(row, i)));
}

/// Four components from the i-th on; zeros from the dim-th on.
__m256d LoadUpTo(const std::byte* row, size_t i, size_t dim) {
  const __m128i mask =
      _mm_cmpgt_epi32(_mm_set1_epi32(static_cast<int>(dim - i)), _mm_setr_epi32(0, 1, 2, 3));
  return _mm256_cvtps_pd(_mm_maskload_ps(At(row, i), mask));
}

double SumLanes(const __m256d* sums) {
  const __m256d low = _mm256_add_pd(sums[0], sums[2]);
  const __m256d high = _mm256_add_pd(sums[1], sums[3]);
  const __m256d by4 = _mm256_add_pd(low, high);
  const __m128d by2 = _mm_add_pd(_mm256_castpd256_pd128(by4), _mm256_extractf128_pd(by4, 1));
  return _mm_cvtsd_f64(_mm_add_sd(by2, _mm_unpackhi_pd(by2, by2)));
}

template <typename Step>
double SumOf(const std::byte* row, const std::byte* other, size_t dim, Step step) {
  __m256d sums[4] = {_mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(),
                     _mm256_setzero_pd()};
  size_t i = 0;
  for (; i + kSums <= dim; i += kSums) {
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; ++j) {
      sums[j] = step(sums[j], LoadFour(row, i + 4 * j), LoadFour(other, i + 4 * j));
    }
  }
  for (size_t j = 0; i + 4 * j < dim; ++j) {
    sums[j] = step(sums[j], LoadUpTo(row, i + 4 * j, dim), LoadUpTo(other, i + 4 * j, dim));
  }
  return SumLanes(sums);
}

}  // namespace

double ExactDot(const std::byte* row, const std::byte* other, size_t dim) {
  return SumOf(row, other, dim,
               [](__m256d sum, __m256d a, __m256d b) { return _mm256_fmadd_pd(a, b, sum); });
}

double ExactSquaredL2(const std::byte* row, const std::byte* other, size_t dim) {
  return SumOf(row, other, dim, [](__m256d sum, __m256d a, __m256d b) {
    const __m256d difference = _mm256_sub_pd(a, b);
    return _mm256_add_pd(sum, _mm256_mul_pd(difference, difference));
  });
}

}  // namespace viper::kernels::avx2
