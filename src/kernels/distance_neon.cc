// Four lanes per step: NEON on 64-bit ARM.
//
// Order of every sum, whatever the grouping: lane l adds the products of components l, l + 4, l + 8
// ... by fused multiply-add, the last step padded with zeros; then (0 + 1) + (2 + 3).
//
// Row after row, so that memory is read as a stream.

#include "kernels/level_functions.h"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace viper::kernels::neon {
namespace {

constexpr size_t kLanes = 4;
constexpr size_t kGroupRows = 4;

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
void SumRows(const std::byte* rows, size_t row_count, size_t dim, const float* query, float* out) {
  const size_t row_bytes = dim * sizeof(float);
  size_t r = 0;
  for (; r + kGroupRows <= row_count; r += kGroupRows) {
    float32x4_t sums[kGroupRows];
    for (size_t i = 0; i < kGroupRows; ++i) {
      sums[i] = SumPair<Step>(rows + (r + i) * row_bytes, query, dim);
    }
    vst1q_f32(out + r, SumLanesOf4(sums));
  }
  for (; r < row_count; ++r) out[r] = SumLanes(SumPair<Step>(rows + r * row_bytes, query, dim));
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
    float32x4_t sums[kGroupRows];
    for (size_t i = 0; i < kGroupRows; ++i) sums[i] = SumSquares(rows + (r + i) * row_bytes, dim);
    vst1q_f32(out + r, SumLanesOf4(sums));
  }
  for (; r < row_count; ++r) out[r] = SumLanes(SumSquares(rows + r * row_bytes, dim));
}

void DotAndSquaredNorm(const std::byte* rows, size_t row_count, size_t dim, const float* query,
                       float* dots, float* squared_norms) {
  const size_t row_bytes = dim * sizeof(float);
  size_t r = 0;
  for (; r + kGroupRows <= row_count; r += kGroupRows) {
    float32x4_t dot_sums[kGroupRows];
    float32x4_t square_sums[kGroupRows];
    for (size_t i = 0; i < kGroupRows; ++i) {
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
