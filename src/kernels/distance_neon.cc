// Four lanes per step: NEON on 64-bit ARM.
//
// Order of every sum, whatever the grouping: lane l adds the products of components l, l + 4, l + 8
// ... by fused multiply-add, the last step padded with zeros; then (0 + 1) + (2 + 3).
//
// One query: row after row, so that memory is read as a stream. Several: tiles of 4 rows x 4
// queries in registers, over chunks of rows that stay in the cache until every query has seen them.

#include "kernels/level_functions.h"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace viper::kernels::neon {
namespace {

constexpr size_t kLanes = 4;
constexpr size_t kTile = 4;
/// Rows that several queries visit in turn: beside the queries in an L1 cache, or nearly.
constexpr size_t kChunkBytes = size_t{32} * 1024;

struct DotStep {
  static float32x4_t Add(float32x4_t sum, float32x4_t row, float32x4_t query) {
    return vfmaq_f32(sum, row, query);
  }
};

struct SquaredL2Step {
  static float32x4_t Add(float32x4_t sum, float32x4_t row, float32x4_t query) {
    const float32x4_t difference = vsubq_f32(row, query);
    return vfmaq_f32(sum, difference, difference);
  }
};

/// Four components from `i` on, at any address: byte loads do not mind how it is aligned.
float32x4_t Load(const std::byte* row, size_t i) {
  const void* address = row + i * sizeof(float);
  return vreinterpretq_f32_u8(vld1q_u8(static_cast<const uint8_t*>(address)));
}

/// The last `count` (1 to 3) components from `i` on, then zeros.
float32x4_t LoadTail(const std::byte* row, size_t i, size_t count) {
  float padded[kLanes] = {0, 0, 0, 0};
  __builtin_memcpy(padded, row + i * sizeof(float), count * sizeof(float));
  return vld1q_f32(padded);
}

const std::byte* Bytes(const float* query) {
  return static_cast<const std::byte*>(static_cast<const void*>(query));
}

/// Lane i of the result = the sum of the lanes of sums[i].
float32x4_t SumLanesOf4(const float32x4_t* sums) {
  return vpaddq_f32(vpaddq_f32(sums[0], sums[1]), vpaddq_f32(sums[2], sums[3]));
}

float SumLanes(float32x4_t v) {
  const float32x4_t by2 = vpaddq_f32(v, v);
  return vgetq_lane_f32(vpaddq_f32(by2, by2), 0);
}

template <typename Step>
float32x4_t SumPair(const std::byte* row, const float* query, size_t dim) {
  float32x4_t sum = vdupq_n_f32(0);
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) sum = Step::Add(sum, Load(row, i), vld1q_f32(query + i));
  if (i < dim) {
    sum = Step::Add(sum, LoadTail(row, i, dim - i), LoadTail(Bytes(query), i, dim - i));
  }
  return sum;
}

template <typename Step>
void OneQuery(const std::byte* rows, size_t row_count, size_t dim, const float* query, float* out) {
  const size_t row_bytes = dim * sizeof(float);
  size_t r = 0;
  for (; r + kTile <= row_count; r += kTile) {
    float32x4_t sums[kTile];
    for (size_t i = 0; i < kTile; ++i) {
      sums[i] = SumPair<Step>(rows + (r + i) * row_bytes, query, dim);
    }
    vst1q_f32(out + r, SumLanesOf4(sums));
  }
  for (; r < row_count; ++r) out[r] = SumLanes(SumPair<Step>(rows + r * row_bytes, query, dim));
}

template <typename Step>
[[gnu::always_inline]] inline void TileStep(float32x4_t* sums, const float32x4_t* row,
                                            const float32x4_t* query) {
#pragma GCC unroll 4
  for (size_t q = 0; q < kTile; ++q) {
#pragma GCC unroll 4
    for (size_t r = 0; r < kTile; ++r) {
      sums[q * kTile + r] = Step::Add(sums[q * kTile + r], row[r], query[q]);
    }
  }
}

/// out[q * out_stride + r] for 4 rows and 4 queries.
template <typename Step>
void Tile(const std::byte* rows, size_t dim, const float* queries, float* out, size_t out_stride) {
  float32x4_t sums[kTile * kTile];
#pragma GCC unroll 16
  for (float32x4_t& sum : sums) sum = vdupq_n_f32(0);
  float32x4_t row[kTile];
  float32x4_t query[kTile];
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
#pragma GCC unroll 4
    for (size_t t = 0; t < kTile; ++t) {
      row[t] = Load(rows, t * dim + i);
      query[t] = vld1q_f32(queries + t * dim + i);
    }
    TileStep<Step>(sums, row, query);
  }
  if (i < dim) {
#pragma GCC unroll 4
    for (size_t t = 0; t < kTile; ++t) {
      row[t] = LoadTail(rows, t * dim + i, dim - i);
      query[t] = LoadTail(Bytes(queries), t * dim + i, dim - i);
    }
    TileStep<Step>(sums, row, query);
  }
#pragma GCC unroll 4
  for (size_t q = 0; q < kTile; ++q) {
    vst1q_f32(out + q * out_stride, SumLanesOf4(sums + q * kTile));
  }
}

template <typename Step>
void FourQueries(const std::byte* rows, size_t row_count, size_t dim, const float* queries,
                 float* out, size_t out_stride) {
  const size_t row_bytes = dim * sizeof(float);
  size_t r = 0;
  for (; r + kTile <= row_count; r += kTile) {
    Tile<Step>(rows + r * row_bytes, dim, queries, out + r, out_stride);
  }
  for (; r < row_count; ++r) {
    for (size_t q = 0; q < kTile; ++q) {
      out[q * out_stride + r] =
          SumLanes(SumPair<Step>(rows + r * row_bytes, queries + q * dim, dim));
    }
  }
}

template <typename Step>
void ManyQueries(const std::byte* rows, size_t row_count, size_t dim, const float* queries,
                 size_t query_count, float* out) {
  const size_t row_bytes = dim * sizeof(float);
  const size_t rows_fitting = kChunkBytes / row_bytes / kTile * kTile;
  const size_t chunk_rows = rows_fitting > kTile ? rows_fitting : kTile;
  for (size_t first = 0; first < row_count; first += chunk_rows) {
    const size_t count = row_count - first < chunk_rows ? row_count - first : chunk_rows;
    const std::byte* chunk = rows + first * row_bytes;
    size_t q = 0;
    for (; q + kTile <= query_count; q += kTile) {
      FourQueries<Step>(chunk, count, dim, queries + q * dim, out + q * row_count + first,
                        row_count);
    }
    for (; q < query_count; ++q) {
      OneQuery<Step>(chunk, count, dim, queries + q * dim, out + q * row_count + first);
    }
  }
}

float32x4_t SumSquares(const std::byte* row, size_t dim) {
  float32x4_t sum = vdupq_n_f32(0);
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    const float32x4_t v = Load(row, i);
    sum = vfmaq_f32(sum, v, v);
  }
  if (i < dim) {
    const float32x4_t v = LoadTail(row, i, dim - i);
    sum = vfmaq_f32(sum, v, v);
  }
  return sum;
}

struct DotAndSquares {
  float32x4_t dot;
  float32x4_t squares;
};

DotAndSquares SumDotAndSquares(const std::byte* row, const float* query, size_t dim) {
  DotAndSquares sums = {vdupq_n_f32(0), vdupq_n_f32(0)};
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    const float32x4_t v = Load(row, i);
    sums.dot = vfmaq_f32(sums.dot, v, vld1q_f32(query + i));
    sums.squares = vfmaq_f32(sums.squares, v, v);
  }
  if (i < dim) {
    const float32x4_t v = LoadTail(row, i, dim - i);
    sums.dot = vfmaq_f32(sums.dot, v, LoadTail(Bytes(query), i, dim - i));
    sums.squares = vfmaq_f32(sums.squares, v, v);
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
  for (; r + kTile <= row_count; r += kTile) {
    float32x4_t sums[kTile];
    for (size_t i = 0; i < kTile; ++i) sums[i] = SumSquares(rows + (r + i) * row_bytes, dim);
    vst1q_f32(out + r, SumLanesOf4(sums));
  }
  for (; r < row_count; ++r) out[r] = SumLanes(SumSquares(rows + r * row_bytes, dim));
}

void DotAndSquaredNorm(const std::byte* rows, size_t row_count, size_t dim, const float* query,
                       float* dots, float* squared_norms) {
  const size_t row_bytes = dim * sizeof(float);
  size_t r = 0;
  for (; r + kTile <= row_count; r += kTile) {
    float32x4_t dot_sums[kTile];
    float32x4_t square_sums[kTile];
    for (size_t i = 0; i < kTile; ++i) {
      const DotAndSquares sums = SumDotAndSquares(rows + (r + i) * row_bytes, query, dim);
      dot_sums[i] = sums.dot;
      square_sums[i] = sums.squares;
    }
    vst1q_f32(dots + r, SumLanesOf4(dot_sums));
    vst1q_f32(squared_norms + r, SumLanesOf4(square_sums));
  }
  for (; r < row_count; ++r) {
    const DotAndSquares sums = SumDotAndSquares(rows + r * row_bytes, query, dim);
    dots[r] = SumLanes(sums.dot);
    squared_norms[r] = SumLanes(sums.squares);
  }
}

}  // namespace viper::kernels::neon

#endif  // defined(__aarch64__)
