// Dot products of bytes without instructions of their own: both sides widened to 16 bits, 32
// products a step, added in pairs to 32 bits. Two products of a byte and a signed one stay far from
// the limit of 32 bits (those of the instruction for bytes would saturate in 16). Rows go in fours,
// so that the query is widened once and the lanes are added together.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/level_functions.h"

namespace viper::kernels::avx512 {
namespace {

constexpr size_t kLanes = 32;
constexpr size_t kTileRows = 4;

__mmask32 TailMask(size_t dim) { return static_cast<__mmask32>((1U << (dim % kLanes)) - 1U); }

/// Lane i of the result = the sum of the lanes of sums[i].
[[gnu::always_inline]] inline __m128i SumLanesOf4(const __m512i* sums) {
  const __m512i by2_01 = _mm512_add_epi32(_mm512_unpacklo_epi32(sums[0], sums[1]),
                                          _mm512_unpackhi_epi32(sums[0], sums[1]));
  const __m512i by2_23 = _mm512_add_epi32(_mm512_unpacklo_epi32(sums[2], sums[3]),
                                          _mm512_unpackhi_epi32(sums[2], sums[3]));
  const __m512i by4 = _mm512_add_epi32(_mm512_unpacklo_epi64(by2_01, by2_23),
                                       _mm512_unpackhi_epi64(by2_01, by2_23));
  const __m256i by8 =
      _mm256_add_epi32(_mm512_castsi512_si256(by4), _mm512_extracti64x4_epi64(by4, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(by8), _mm256_extracti128_si256(by8, 1));
}

/// One step of `RowCount` rows and `Parts` parts: the components from `i` on that the mask names.
template <size_t Parts, size_t RowCount>
[[gnu::always_inline]] inline void AddStep(const std::byte* const* rows, size_t dim, size_t i,
                                           __mmask32 mask, const int8_t* query, __m512i* sums) {
  __m512i part[Parts];
#pragma GCC unroll 2
  for (size_t p = 0; p < Parts; ++p) {
    part[p] = _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8(mask, query + p * dim + i));
  }
#pragma GCC unroll 4
  for (size_t r = 0; r < RowCount; ++r) {
    const __m512i row = _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(mask, rows[r] + i));
#pragma GCC unroll 2
    for (size_t p = 0; p < Parts; ++p) {
      __m512i& sum = sums[p * RowCount + r];
      sum = _mm512_add_epi32(sum, _mm512_madd_epi16(row, part[p]));
    }
  }
}

/// sums[part * RowCount + r], lanes not added yet.
template <size_t Parts, size_t RowCount>
[[gnu::always_inline]] inline void SumRows(const std::byte* const* rows, size_t dim,
                                           const int8_t* query, __m512i* sums) {
#pragma GCC unroll 8
  for (size_t i = 0; i < Parts * RowCount; ++i) sums[i] = _mm512_setzero_si512();
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    AddStep<Parts, RowCount>(rows, dim, i, 0xFFFFFFFFU, query, sums);
  }
  if (i < dim) AddStep<Parts, RowCount>(rows, dim, i, TailMask(dim), query, sums);
}

template <size_t Parts>
void AllRows(const std::byte* const* rows, size_t row_count, size_t dim, const int8_t* query,
             int32_t* out) {
  __m512i sums[Parts * kTileRows];
  size_t r = 0;
  for (; r + kTileRows <= row_count; r += kTileRows) {
    SumRows<Parts, kTileRows>(rows + r, dim, query, sums);
#pragma GCC unroll 2
    for (size_t p = 0; p < Parts; ++p) {
      _mm_storeu_epi32(out + p * row_count + r, SumLanesOf4(sums + p * kTileRows));
    }
  }
  for (; r < row_count; ++r) {
    SumRows<Parts, 1>(rows + r, dim, query, sums);
#pragma GCC unroll 2
    for (size_t p = 0; p < Parts; ++p) out[p * row_count + r] = _mm512_reduce_add_epi32(sums[p]);
  }
}

}  // namespace

void DotBytes(const std::byte* const* rows, size_t row_count, size_t dim, const int8_t* query,
              size_t parts, int32_t* out) {
  if (parts == 1) return AllRows<1>(rows, row_count, dim, query, out);
  AllRows<2>(rows, row_count, dim, query, out);
}

}  // namespace viper::kernels::avx512
