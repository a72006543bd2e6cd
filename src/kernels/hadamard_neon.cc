// The transform with four lanes. A product with 1 or -1 is exact, so that a fused multiply-add
// rounds as the sum or difference does.

#include <cstddef>

#include "kernels/level_functions.h"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace viper::kernels::neon {
namespace {

constexpr size_t kLanes = 4;

/// Distances 1 and 2.
void TransformWithinLanes(float* values, size_t size) {
  const float signs1[kLanes] = {1, -1, 1, -1};
  const float signs2[kLanes] = {1, 1, -1, -1};
  const float32x4_t by1 = vld1q_f32(signs1);
  const float32x4_t by2 = vld1q_f32(signs2);
  for (size_t i = 0; i < size; i += kLanes) {
    float32x4_t v = vld1q_f32(values + i);
    v = vfmaq_f32(vrev64q_f32(v), v, by1);
    v = vfmaq_f32(vextq_f32(v, v, 2), v, by2);
    vst1q_f32(values + i, v);
  }
}

void OneDistance(float* values, size_t size, size_t distance) {
  for (size_t first = 0; first < size; first += 2 * distance) {
    for (size_t i = first; i < first + distance; i += kLanes) {
      const float32x4_t a = vld1q_f32(values + i);
      const float32x4_t b = vld1q_f32(values + i + distance);
      vst1q_f32(values + i, vaddq_f32(a, b));
      vst1q_f32(values + i + distance, vsubq_f32(a, b));
    }
  }
}

/// `distance`, then twice that.
void TwoDistances(float* values, size_t size, size_t distance) {
  for (size_t first = 0; first < size; first += 4 * distance) {
    for (size_t i = first; i < first + distance; i += kLanes) {
      const float32x4_t a = vld1q_f32(values + i);
      const float32x4_t b = vld1q_f32(values + i + distance);
      const float32x4_t c = vld1q_f32(values + i + 2 * distance);
      const float32x4_t d = vld1q_f32(values + i + 3 * distance);
      const float32x4_t ab_sum = vaddq_f32(a, b);
      const float32x4_t ab_difference = vsubq_f32(a, b);
      const float32x4_t cd_sum = vaddq_f32(c, d);
      const float32x4_t cd_difference = vsubq_f32(c, d);
      vst1q_f32(values + i, vaddq_f32(ab_sum, cd_sum));
      vst1q_f32(values + i + distance, vaddq_f32(ab_difference, cd_difference));
      vst1q_f32(values + i + 2 * distance, vsubq_f32(ab_sum, cd_sum));
      vst1q_f32(values + i + 3 * distance, vsubq_f32(ab_difference, cd_difference));
    }
  }
}

}  // namespace

void Hadamard(float* values, size_t size) {
  if (size < kLanes) return scalar::Hadamard(values, size);
  TransformWithinLanes(values, size);
  size_t distance = kLanes;
  for (; 4 * distance <= size; distance *= 4) TwoDistances(values, size, distance);
  if (distance < size) OneDistance(values, size, distance);
}

}  // namespace viper::kernels::neon

#endif
