// Eight lanes per step: AVX2 and FMA.
//
// Order of every sum, whatever the grouping: lane l adds the products of components l, l + 8, l +
// 16 ... by fused multiply-add, the last step masked; then lanes are added at distance 4, 2, 1.
//
// One query: row after row, so that memory is read as a stream. Several: tiles of 4 rows x 3
// queries in registers, over chunks of rows that stay in the cache until every query has seen them.

#include <immintrin.h>

#include "kernels/level_functions.h"

namespace viper::kernels::avx2 {
namespace {

constexpr size_t kLanes = 8;
constexpr size_t kTileRows = 4;
constexpr size_t kTileQueries = 3;
constexpr size_t kLineBytes = 64;
/// Rows that several queries visit in turn: beside the queries in an L1 cache, or nearly.
constexpr size_t kChunkBytes = size_t{32} * 1024;
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
void OneQuery(const std::byte* rows, size_t row_count, size_t dim, const float* query, float* out) {
  const size_t row_bytes = dim * sizeof(float);
  size_t r = 0;
  for (; r + kTileRows <= row_count; r += kTileRows) {
    __m256 sums[kTileRows];
    for (size_t i = 0; i < kTileRows; ++i) {
      sums[i] = SumPair<Step>(rows + (r + i) * row_bytes, query, dim);
    }
    _mm_storeu_ps(out + r, SumLanesOf4(sums));
  }
  for (; r < row_count; ++r) out[r] = SumLanes(SumPair<Step>(rows + r * row_bytes, query, dim));
}

/// out[q * out_stride + r] for 4 rows and 3 queries.
template <typename Step>
void Tile(const std::byte* rows, size_t dim, const float* queries, float* out, size_t out_stride) {
  __m256 sums[kTileQueries * kTileRows];
#pragma GCC unroll 12
  for (__m256& sum : sums) sum = _mm256_setzero_ps();
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    __m256 query[kTileQueries];
#pragma GCC unroll 3
    for (size_t q = 0; q < kTileQueries; ++q) query[q] = _mm256_loadu_ps(queries + q * dim + i);
#pragma GCC unroll 4
    for (size_t r = 0; r < kTileRows; ++r) {
      const __m256 row = _mm256_loadu_ps(Component(rows, r * dim + i));
#pragma GCC unroll 3
      for (size_t q = 0; q < kTileQueries; ++q) {
        sums[q * kTileRows + r] = Step::Add(sums[q * kTileRows + r], row, query[q]);
      }
    }
  }
  if (i < dim) {
    const __m256i mask = TailMask(dim);
#pragma GCC unroll 4
    for (size_t r = 0; r < kTileRows; ++r) {
      const __m256 row = _mm256_maskload_ps(Component(rows, r * dim + i), mask);
#pragma GCC unroll 3
      for (size_t q = 0; q < kTileQueries; ++q) {
        const __m256 query = _mm256_maskload_ps(queries + q * dim + i, mask);
        sums[q * kTileRows + r] = Step::Add(sums[q * kTileRows + r], row, query);
      }
    }
  }
#pragma GCC unroll 3
  for (size_t q = 0; q < kTileQueries; ++q) {
    _mm_storeu_ps(out + q * out_stride, SumLanesOf4(sums + q * kTileRows));
  }
}

/// Bytes that a pass of queries fetches ahead for each tile that it computes.
struct Ahead {
  const std::byte* bytes;
  size_t bytes_per_tile;
};

template <typename Step>
void ThreeQueries(const std::byte* rows, size_t row_count, size_t dim, const float* queries,
                  float* out, size_t out_stride, Ahead ahead) {
  const size_t row_bytes = dim * sizeof(float);
  size_t r = 0;
  for (; r + kTileRows <= row_count; r += kTileRows) {
    for (size_t i = 0; i < ahead.bytes_per_tile; i += kLineBytes) {
      _mm_prefetch(ahead.bytes + i, _MM_HINT_T1);
    }
    ahead.bytes += ahead.bytes_per_tile;
    Tile<Step>(rows + r * row_bytes, dim, queries, out + r, out_stride);
  }
  for (; r < row_count; ++r) {
    for (size_t q = 0; q < kTileQueries; ++q) {
      out[q * out_stride + r] =
          SumLanes(SumPair<Step>(rows + r * row_bytes, queries + q * dim, dim));
    }
  }
}

/// Several queries visit one chunk after the other. While they compute, the next chunk comes in,
/// each pass fetching its share (behind the last row lies, as a rule, what the caller passes next).
template <typename Step>
void ManyQueries(const std::byte* rows, size_t row_count, size_t dim, const float* queries,
                 size_t query_count, float* out) {
  if (query_count == 0) return;
  const size_t row_bytes = dim * sizeof(float);
  const size_t rows_fitting = kChunkBytes / row_bytes / kLanes * kLanes;
  const size_t chunk_rows = rows_fitting > kLanes ? rows_fitting : kLanes;
  const size_t passes = (query_count + kTileQueries - 1) / kTileQueries;
  const size_t lines_per_tile = (kTileRows * row_bytes / passes + kLineBytes - 1) / kLineBytes;
  const size_t bytes_per_tile = lines_per_tile * kLineBytes;
  for (size_t first = 0; first < row_count; first += chunk_rows) {
    const size_t count = row_count - first < chunk_rows ? row_count - first : chunk_rows;
    const std::byte* chunk = rows + first * row_bytes;
    const std::byte* next = chunk + count * row_bytes;
    size_t q = 0;
    for (; q + kTileQueries <= query_count; q += kTileQueries) {
      ThreeQueries<Step>(chunk, count, dim, queries + q * dim, out + q * row_count + first,
                         row_count, {next, bytes_per_tile});
      next += count / kTileRows * bytes_per_tile;
    }
    for (; q < query_count; ++q) {
      OneQuery<Step>(chunk, count, dim, queries + q * dim, out + q * row_count + first);
    }
  }
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

void Dot(const std::byte* rows, size_t row_count, size_t dim, const float* queries,
         size_t query_count, float* out) {
  if (query_count == 1) return OneQuery<DotStep>(rows, row_count, dim, queries, out);
  ManyQueries<DotStep>(rows, row_count, dim, queries, query_count, out);
}

void SquaredL2(const std::byte* rows, size_t row_count, size_t dim, const float* queries,
               size_t query_count, float* out) {
  if (query_count == 1) return OneQuery<SquaredL2Step>(rows, row_count, dim, queries, out);
  ManyQueries<SquaredL2Step>(rows, row_count, dim, queries, query_count, out);
}

void SquaredNorm(const std::byte* rows, size_t row_count, size_t dim, float* out) {
  const size_t row_bytes = dim * sizeof(float);
  size_t r = 0;
  for (; r + kTileRows <= row_count; r += kTileRows) {
    __m256 sums[kTileRows];
    for (size_t i = 0; i < kTileRows; ++i) sums[i] = SumSquares(rows + (r + i) * row_bytes, dim);
    _mm_storeu_ps(out + r, SumLanesOf4(sums));
  }
  for (; r < row_count; ++r) out[r] = SumLanes(SumSquares(rows + r * row_bytes, dim));
}

void DotAndSquaredNorm(const std::byte* rows, size_t row_count, size_t dim, const float* query,
                       float* dots, float* squared_norms) {
  const size_t row_bytes = dim * sizeof(float);
  size_t r = 0;
  for (; r + kTileRows <= row_count; r += kTileRows) {
    __m256 dot_sums[kTileRows];
    __m256 square_sums[kTileRows];
    for (size_t i = 0; i < kTileRows; ++i) {
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
