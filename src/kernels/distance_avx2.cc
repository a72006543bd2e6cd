// Eight lanes per step: AVX2 and FMA.
//
// Order of every sum, whatever the grouping: lane l adds the products of components l, l + 8, l +
// 16 ... by fused multiply-add, the last step masked; then lanes are added at distance 4, 2, 1.
//
// Row after row, so that memory is read as a stream.

#include <immintrin.h>

#include "kernels/level_functions.h"

namespace viper::kernels::avx2 {
namespace {

constexpr size_t kLanes = 8;
constexpr size_t kGroupRows = 4;
/// How far ahead of the row at hand to fetch: 4 KiB measured best, 1 to 8 KiB hardly worse.
constexpr size_t kPrefetchBytes = 4096;

struct DotStep {
  static __m256 Add(__m256 sum, __m256 row, __m256 query) {
    return _mm256_fmadd_ps(row, query, sum);
  }
};

struct SquaredL2Step {
  static __m256 Add(__m256 sum, __m256 row, __m256 query) {
    const __m256 difference = _mm256_sub_ps(row, query);
    return _mm256_fmadd_ps(difference, difference, sum);
  }
};

__m256i TailMask(size_t dim) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(dim % kLanes)), lane);
}

/// Component i of a row at any address; only for loads, which do not mind how it is aligned.
const float* Component(const std::byte* row, size_t i) {
  return static_cast<const float*>(static_cast<const void*>(row + i * sizeof(float)));
}

float SumLanes(__m256 v) {
  const __m128 by4 = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 by2 = _mm_add_ps(by4, _mm_movehl_ps(by4, by4));
  return _mm_cvtss_f32(_mm_add_ss(by2, _mm_movehdup_ps(by2)));
}

/// Lane i of the result = SumLanes(sums[i]), added in the same order.
[[gnu::always_inline]] inline __m128 SumLanesOf4(const __m256* sums) {
  __m128 by4[4];
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) {
    by4[i] = _mm_add_ps(_mm256_castps256_ps128(sums[i]), _mm256_extractf128_ps(sums[i], 1));
  }
  const __m128 low =
      _mm_add_ps(_mm_blend_ps(by4[0], by4[1], 0xC), _mm_shuffle_ps(by4[0], by4[1], 0x4E));
  const __m128 high =
      _mm_add_ps(_mm_blend_ps(by4[2], by4[3], 0xC), _mm_shuffle_ps(by4[2], by4[3], 0x4E));
  return _mm_add_ps(_mm_shuffle_ps(low, high, 0x88), _mm_shuffle_ps(low, high, 0xDD));
}

template <typename Step>
__m256 SumPair(const std::byte* row, const float* query, size_t dim) {
  __m256 sum = _mm256_setzero_ps();
  size_t i = 0;
  for (; i + 2 * kLanes <= dim; i += 2 * kLanes) {
    _mm_prefetch(row + i * sizeof(float) + kPrefetchBytes, _MM_HINT_T0);
    sum = Step::Add(sum, _mm256_loadu_ps(Component(row, i)), _mm256_loadu_ps(query + i));
    sum = Step::Add(sum, _mm256_loadu_ps(Component(row, i + kLanes)),
                    _mm256_loadu_ps(query + i + kLanes));
  }
  if (i + kLanes <= dim) {
    sum = Step::Add(sum, _mm256_loadu_ps(Component(row, i)), _mm256_loadu_ps(query + i));
    i += kLanes;
  }
  if (i < dim) {
    const __m256i mask = TailMask(dim);
    sum = Step::Add(sum, _mm256_maskload_ps(Component(row, i), mask),
                    _mm256_maskload_ps(query + i, mask));
  }
  return sum;
}

template <typename Step>
void SumRows(const std::byte* rows, size_t row_count, size_t dim, const float* query, float* out) {
  const size_t row_bytes = dim * sizeof(float);
  size_t r = 0;
  for (; r + kGroupRows <= row_count; r += kGroupRows) {
    __m256 sums[kGroupRows];
    for (size_t i = 0; i < kGroupRows; ++i) {
      sums[i] = SumPair<Step>(rows + (r + i) * row_bytes, query, dim);
    }
    _mm_storeu_ps(out + r, SumLanesOf4(sums));
  }
  for (; r < row_count; ++r) out[r] = SumLanes(SumPair<Step>(rows + r * row_bytes, query, dim));
}

__m256 SumSquares(const std::byte* row, size_t dim) {
  __m256 sum = _mm256_setzero_ps();
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    const __m256 v = _mm256_loadu_ps(Component(row, i));
    sum = _mm256_fmadd_ps(v, v, sum);
  }
  if (i < dim) {
    const __m256 v = _mm256_maskload_ps(Component(row, i), TailMask(dim));
    sum = _mm256_fmadd_ps(v, v, sum);
  }
  return sum;
}

struct DotAndSquares {
  __m256 dot;
  __m256 squares;
};

[[gnu::always_inline]] inline void AddDotAndSquares(DotAndSquares& sums, __m256 row, __m256 query) {
  sums.dot = _mm256_fmadd_ps(row, query, sums.dot);
  sums.squares = _mm256_fmadd_ps(row, row, sums.squares);
}

DotAndSquares SumDotAndSquares(const std::byte* row, const float* query, size_t dim) {
  DotAndSquares sums = {_mm256_setzero_ps(), _mm256_setzero_ps()};
  size_t i = 0;
  for (; i + 2 * kLanes <= dim; i += 2 * kLanes) {
    _mm_prefetch(row + i * sizeof(float) + kPrefetchBytes, _MM_HINT_T0);
    AddDotAndSquares(sums, _mm256_loadu_ps(Component(row, i)), _mm256_loadu_ps(query + i));
    AddDotAndSquares(sums, _mm256_loadu_ps(Component(row, i + kLanes)),
                     _mm256_loadu_ps(query + i + kLanes));
  }
  if (i + kLanes <= dim) {
    AddDotAndSquares(sums, _mm256_loadu_ps(Component(row, i)), _mm256_loadu_ps(query + i));
    i += kLanes;
  }
  if (i < dim) {
    const __m256i mask = TailMask(dim);
    AddDotAndSquares(sums, _mm256_maskload_ps(Component(row, i), mask),
                     _mm256_maskload_ps(query + i, mask));
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
  for (; r + kGroupRows <= row_count; r += kGroupRows) {
    __m256 sums[kGroupRows];
    for (size_t i = 0; i < kGroupRows; ++i) sums[i] = SumSquares(rows + (r + i) * row_bytes, dim);
    _mm_storeu_ps(out + r, SumLanesOf4(sums));
  }
  for (; r < row_count; ++r) out[r] = SumLanes(SumSquares(rows + r * row_bytes, dim));
}

void DotAndSquaredNorm(const std::byte* rows, size_t row_count, size_t dim, const float* query,
                       float* dots, float* squared_norms) {
  const size_t row_bytes = dim * sizeof(float);
  size_t r = 0;
  for (; r + kGroupRows <= row_count; r += kGroupRows) {
    __m256 dot_sums[kGroupRows];
    __m256 square_sums[kGroupRows];
    for (size_t i = 0; i < kGroupRows; ++i) {
      const DotAndSquares sums = SumDotAndSquares(rows + (r + i) * row_bytes, query, dim);
      dot_sums[i] = sums.dot;
      square_sums[i] = sums.squares;
    }
    _mm_storeu_ps(dots + r, SumLanesOf4(dot_sums));
    _mm_storeu_ps(squared_norms + r, SumLanesOf4(square_sums));
  }
  for (; r < row_count; ++r) {
    const DotAndSquares sums = SumDotAndSquares(rows + r * row_bytes, query, dim);
    dots[r] = SumLanes(sums.dot);
    squared_norms[r] = SumLanes(sums.squares);
  }
}

}  // namespace viper::kernels::avx2
