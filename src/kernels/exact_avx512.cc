// The sums of exact_scalar.cc, eight to a register.

#include <immintrin.h>

#include "kernels/exact_levels.h"

namespace viper::kernels::avx512 {
namespace {

constexpr size_t kSums = 16;

template <typename Step>
double SumOf(const std::byte* row, const std::byte* other, size_t dim, Step step) {
  __m512d low = _mm512_setzero_pd();
  __m512d high = _mm512_setzero_pd();
  size_t i = 0;
  for (; i + kSums <= dim; i += kSums) {
    const float* a = reinterpret_cast<const float*>(row + i * sizeof(float));
    const float* b = reinterpret_cast<const float*>(other + i * sizeof(float));
    low = step(low, _mm512_cvtps_pd(_mm256_loadu_ps(a)), _mm512_cvtps_pd(_mm256_loadu_ps(b)));
    high = step(high, _mm512_cvtps_pd(_mm256_loadu_ps(a + 8)),
                _mm512_cvtps_pd(_mm256_loadu_ps(b + 8)));
  }
  if (i < dim) {
    const unsigned mask = (1U << (dim - i)) - 1U;
    const float* a = reinterpret_cast<const float*>(row + i * sizeof(float));
    const float* b = reinterpret_cast<const float*>(other + i * sizeof(float));
    const auto first = static_cast<__mmask8>(mask & 0xFF);
    const auto second = static_cast<__mmask8>(mask >> 8);
    low = step(low, _mm512_cvtps_pd(_mm256_maskz_loadu_ps(first, a)),
               _mm512_cvtps_pd(_mm256_maskz_loadu_ps(first, b)));
    high = step(high, _mm512_cvtps_pd(_mm256_maskz_loadu_ps(second, a + 8)),
                _mm512_cvtps_pd(_mm256_maskz_loadu_ps(second, b + 8)));
  }
  const __m512d by8 = _mm512_add_pd(low, high);
  const __m256d by4 = _mm256_add_pd(_mm512_castpd512_pd256(by8), _mm512_extractf64x4_pd(by8, 1));
  const __m128d by2 = _mm_add_pd(_mm256_castpd256_pd128(by4), _mm256_extractf128_pd(by4, 1));
  return _mm_cvtsd_f64(_mm_add_sd(by2, _mm_unpackhi_pd(by2, by2)));
}

}  // namespace

double ExactDot(const std::byte* row, const std::byte* other, size_t dim) {
  return SumOf(row, other, dim,
               [](__m512d sum, __m512d a, __m512d b) { return _mm512_fmadd_pd(a, b, sum); });
}

double ExactSquaredL2(const std::byte* row, const std::byte* other, size_t dim) {
  return SumOf(row, other, dim, [](__m512d sum, __m512d a, __m512d b) {
    const __m512d difference = _mm512_sub_pd(a, b);
    return _mm512_add_pd(sum, _mm512_mul_pd(difference, difference));
  });
}

}  // namespace viper::kernels::avx512
