// Dot products of bytes: both sides widened to 16 bits, 16 products a step, added in pairs to 32
// bits. Two products of a byte and a signed one stay far from the limit of 32 bits (those of the
// instruction for bytes would saturate in 16). Rows go in fours, so that the query is widened once
// and the lanes are added together.
//
// The last step of a dim that is no multiple of 16 goes over the last 16 bytes again; those of the
// query that have been counted are 0 in it.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/level_functions.h"

namespace viper::kernels::avx2 {
namespace {

constexpr size_t kLanes = 16;
constexpr size_t kTileRows = 4;

__m128i Load128(const void* bytes) { return _mm_loadu_si128(static_cast<const __m128i*>(bytes)); }

/// All bits in the last `count` (1 to 16) bytes.
__m128i LastBytes(size_t count) {
  const __m128i place = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return _mm_cmpgt_epi8(place, _mm_set1_epi8(static_cast<char>(15 - static_cast<int>(count))));
}

/// Lane i of the result = the sum of the lanes of sums[i].
[[gnu::always_inline]] inline __m128i SumLanesOf4(const __m256i* sums) {
  const __m256i by2_01 = _mm256_hadd_epi32(sums[0], sums[1]);
  const __m256i by2_23 = _mm256_hadd_epi32(sums[2], sums[3]);
  const __m256i by4 = _mm256_hadd_epi32(by2_01, by2_23);
  return _mm_add_epi32(_mm256_castsi256_si128(by4), _mm256_extracti128_si256(by4, 1));
}

int32_t SumLanes(__m256i v) {
  const __m128i by4 = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  const __m128i by2 = _mm_add_epi32(by4, _mm_shuffle_epi32(by4, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(by2, _mm_shuffle_epi32(by2, 0xB1)));
}

/// One step of `RowCount` rows and `Parts` parts: 16 components from `i` on, those of the query
/// masked.
template <size_t Parts, size_t RowCount>
[[gnu::always_inline]] inline void AddStep(const std::byte* const* rows, size_t dim, size_t i,
                                           __m128i mask, const int8_t* query, __m256i* sums) {
  __m256i part[Parts];
#pragma GCC unroll 2
  for (size_t p = 0; p < Parts; ++p) {
    part[p] = _mm256_cvtepi8_epi16(_mm_and_si128(mask, Load128(query + p * dim + i)));
  }
#pragma GCC unroll 4
  for (size_t r = 0; r < RowCount; ++r) {
    const __m256i row = _mm256_cvtepu8_epi16(Load128(rows[r] + i));
#pragma GCC unroll 2
    for (size_t p = 0; p < Parts; ++p) {
      __m256i& sum = sums[p * RowCount + r];
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(row, part[p]));
    }
  }
}

/// sums[part * RowCount + r], lanes not added yet.
template <size_t Parts, size_t RowCount>
[[gnu::always_inline]] inline void SumRows(const std::byte* const* rows, size_t dim,
                                           const int8_t* query, __m256i* sums) {
#pragma GCC unroll 8
  for (size_t i = 0; i < Parts * RowCount; ++i) sums[i] = _mm256_setzero_si256();
  const __m128i all = _mm_set1_epi8(-1);
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    AddStep<Parts, RowCount>(rows, dim, i, all, query, sums);
  }
  if (i < dim) {
    AddStep<Parts, RowCount>(rows, dim, dim - kLanes, LastBytes(dim - i), query, sums);
  }
}

template <size_t Parts>
void AllRows(const std::byte* const* rows, size_t row_count, size_t dim, const int8_t* query,
             int32_t* out) {
  __m256i sums[Parts * kTileRows];
  size_t r = 0;
  for (; r + kTileRows <= row_count; r += kTileRows) {
    SumRows<Parts, kTileRows>(rows + r, dim, query, sums);
#pragma GCC unroll 2
    for (size_t p = 0; p < Parts; ++p) {
      _mm_storeu_si128(static_cast<__m128i*>(static_cast<void*>(out + p * row_count + r)),
                       SumLanesOf4(sums + p * kTileRows));
    }
  }
  for (; r < row_count; ++r) {
    SumRows<Parts, 1>(rows + r, dim, query, sums);
#pragma GCC unroll 2
    for (size_t p = 0; p < Parts; ++p) out[p * row_count + r] = SumLanes(sums[p]);
  }
}

}  // namespace

void DotBytes(const std::byte* const* rows, size_t row_count, size_t dim, const int8_t* query,
              size_t parts, int32_t* out) {
  // Rows that a step of 16 bytes would leave.
  if (dim < kLanes) return scalar::DotBytes(rows, row_count, dim, query, parts, out);
  if (parts == 1) return AllRows<1>(rows, row_count, dim, query, out);
  AllRows<2>(rows, row_count, dim, query, out);
}

}  // namespace viper::kernels::avx2
