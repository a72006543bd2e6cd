// Sixteen lanes per step: AVX-512 F, BW, DQ, VL.
//
// Order of every sum, whatever the grouping: lane l adds the products of components l, l + 16, l +
// 32 ... by fused multiply-add, the last step masked; then lanes are added at distance 8, 4, 2, 1.
//
// Row after row, so that memory is read as a stream.

#include <immintrin.h>

#include "kernels/level_functions.h"

namespace viper::kernels::avx512 {
namespace {

constexpr size_t kLanes = 16;
/// How far ahead of the row at hand to fetch: 4 KiB measured best, 1 to 8 KiB hardly worse.
constexpr size_t kPrefetchBytes = 4096;

struct DotStep {
  static __m512 Add(__m512 sum, __m512 row, __m512 query) {
    return _mm512_fmadd_ps(row, query, sum);
  }
};

struct SquaredL2Step {
  static __m512 Add(__m512 sum, __m512 row, __m512 query) {
    const __m512 difference = _mm512_sub_ps(row, query);
    return _mm512_fmadd_ps(difference, difference, sum);
  }
};

__mmask16 TailMask(size_t dim) { return static_cast<__mmask16>((1U << (dim % kLanes)) - 1U); }

float SumLanes(__m512 v) {
  const __m256 by8 = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  const __m128 by4 = _mm_add_ps(_mm256_castps256_ps128(by8), _mm256_extractf128_ps(by8, 1));
  const __m128 by2 = _mm_add_ps(by4, _mm_movehl_ps(by4, by4));
  return _mm_cvtss_f32(_mm_add_ss(by2, _mm_movehdup_ps(by2)));
}

/// Lane 4 * i + j of the result = SumLanes(sums[4 * i + j]), added in the same order.
[[gnu::always_inline]] inline __m512 SumLanesOf16(const __m512* sums) {
  __m512 by2[4];
#pragma GCC unroll 4
  for (size_t j = 0; j < 4; ++j) {
    const __m512 a = sums[j];
    const __m512 b = sums[j + 4];
    const __m512 c = sums[j + 8];
    const __m512 d = sums[j + 12];
    const __m512 ab =
        _mm512_add_ps(_mm512_mask_blend_ps(0xFF00, a, b), _mm512_shuffle_f32x4(a, b, 0x4E));
    const __m512 cd =
        _mm512_add_ps(_mm512_mask_blend_ps(0xFF00, c, d), _mm512_shuffle_f32x4(c, d, 0x4E));
    by2[j] = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xDD));
  }
  const __m512 low = _mm512_add_ps(_mm512_mask_blend_ps(0xCCCC, by2[0], by2[1]),
                                   _mm512_shuffle_ps(by2[0], by2[1], 0x4E));
  const __m512 high = _mm512_add_ps(_mm512_mask_blend_ps(0xCCCC, by2[2], by2[3]),
                                    _mm512_shuffle_ps(by2[2], by2[3], 0x4E));
  return _mm512_add_ps(_mm512_shuffle_ps(low, high, 0x88), _mm512_shuffle_ps(low, high, 0xDD));
}

template <typename Step>
__m512 SumPair(const std::byte* row, const float* query, size_t dim) {
  __m512 sum = _mm512_setzero_ps();
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    _mm_prefetch(row + i * sizeof(float) + kPrefetchBytes, _MM_HINT_T0);
    sum = Step::Add(sum, _mm512_loadu_ps(row + i * sizeof(float)), _mm512_loadu_ps(query + i));
  }
  if (i < dim) {
    const __mmask16 mask = TailMask(dim);
    sum = Step::Add(sum, _mm512_maskz_loadu_ps(mask, row + i * sizeof(float)),
                    _mm512_maskz_loadu_ps(mask, query + i));
  }
  return sum;
}

template <typename Step>
void SumRows(const std::byte* rows, size_t row_count, size_t dim, const float* query, float* out) {
  const size_t row_bytes = dim * sizeof(float);
  size_t r = 0;
  for (; r + kLanes <= row_count; r += kLanes) {
    __m512 sums[kLanes];
    for (size_t i = 0; i < kLanes; ++i) {
      sums[i] = SumPair<Step>(rows + (r + i) * row_bytes, query, dim);
    }
    _mm512_storeu_ps(out + r, SumLanesOf16(sums));
  }
  for (; r < row_count; ++r) out[r] = SumLanes(SumPair<Step>(rows + r * row_bytes, query, dim));
}

__m512 SumSquares(const std::byte* row, size_t dim) {
  __m512 sum = _mm512_setzero_ps();
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    const __m512 v = _mm512_loadu_ps(row + i * sizeof(float));
    sum = _mm512_fmadd_ps(v, v, sum);
  }
  if (i < dim) {
    const __m512 v = _mm512_maskz_loadu_ps(TailMask(dim), row + i * sizeof(float));
    sum = _mm512_fmadd_ps(v, v, sum);
  }
  return sum;
}

struct DotAndSquares {
  __m512 dot;
  __m512 squares;
};

DotAndSquares SumDotAndSquares(const std::byte* row, const float* query, size_t dim) {
  DotAndSquares sums = {_mm512_setzero_ps(), _mm512_setzero_ps()};
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    _mm_prefetch(row + i * sizeof(float) + kPrefetchBytes, _MM_HINT_T0);
    const __m512 v = _mm512_loadu_ps(row + i * sizeof(float));
    sums.dot = _mm512_fmadd_ps(v, _mm512_loadu_ps(query + i), sums.dot);
    sums.squares = _mm512_fmadd_ps(v, v, sums.squares);
  }
  if (i < dim) {
    const __mmask16 mask = TailMask(dim);
    const __m512 v = _mm512_maskz_loadu_ps(mask, row + i * sizeof(float));
    sums.dot = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(mask, query + i), sums.dot);
    sums.squares = _mm512_fmadd_ps(v, v, sums.squares);
  }
  return sums;
}

}  // namespace

void Dot(const std::byte* rows, size_t row_count, size_t dim, const float* query, float* out) {
  SumRows<DotStep>(rows, row_count, dim, query, out);
}

void SquaredL2(const std::byte* rows, size_t row_count, size_t dim, const float* query,
               float* out) {
  SumRows<SquaredL2Step>(rows, row_count, dim, query, out);
}

void SquaredNorm(const std::byte* rows, size_t row_count, size_t dim, float* out) {
  const size_t row_bytes = dim * sizeof(float);
  size_t r = 0;
  for (; r + kLanes <= row_count; r += kLanes) {
    __m512 sums[kLanes];
    for (size_t i = 0; i < kLanes; ++i) sums[i] = SumSquares(rows + (r + i) * row_bytes, dim);
    _mm512_storeu_ps(out + r, SumLanesOf16(sums));
  }
  for (; r < row_count; ++r) out[r] = SumLanes(SumSquares(rows + r * row_bytes, dim));
}

void DotAndSquaredNorm(const std::byte* rows, size_t row_count, size_t dim, const float* query,
                       float* dots, float* squared_norms) {
  const size_t row_bytes = dim * sizeof(float);
  size_t r = 0;
  for (; r + kLanes <= row_count; r += kLanes) {
    __m512 dot_sums[kLanes];
    __m512 square_sums[kLanes];
    for (size_t i = 0; i < kLanes; ++i) {
      const DotAndSquares sums = SumDotAndSquares(rows + (r + i) * row_bytes, query, dim);
      dot_sums[i] = sums.dot;
      square_sums[i] = sums.squares;
    }
    _mm512_storeu_ps(dots + r, SumLanesOf16(dot_sums));
    _mm512_storeu_ps(squared_norms + r, SumLanesOf16(square_sums));
  }
  for (; r < row_count; ++r) {
    const DotAndSquares sums = SumDotAndSquares(rows + r * row_bytes, query, dim);
    dots[r] = SumLanes(sums.dot);
    squared_norms[r] = SumLanes(sums.squares);
  }
}

}  // namespace viper::kernels::avx512
