// Dot products of bytes: both sides widened to 16 bits, products added to 32 bits. The instructions
// for dot products of bytes are an extension, and do not mix signs.

#include <cstddef>
#include <cstdint>

#include "kernels/level_functions.h"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace viper::kernels::neon {
namespace {

constexpr size_t kLanes = 16;

int32_t DotRow(const std::byte* row, const int8_t* query, size_t dim) {
  const auto* bytes = static_cast<const uint8_t*>(static_cast<const void*>(row));
  int32x4_t even = vdupq_n_s32(0);
  int32x4_t odd = vdupq_n_s32(0);
  size_t i = 0;
  for (; i + kLanes <= dim; i += kLanes) {
    const uint8x16_t r = vld1q_u8(bytes + i);
    const int8x16_t q = vld1q_s8(query + i);
    const int16x8_t r_low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(r)));
    const int16x8_t r_high = vreinterpretq_s16_u16(vmovl_high_u8(r));
    const int16x8_t q_low = vmovl_s8(vget_low_s8(q));
    const int16x8_t q_high = vmovl_high_s8(q);
    even = vmlal_s16(even, vget_low_s16(r_low), vget_low_s16(q_low));
    odd = vmlal_high_s16(odd, r_low, q_low);
    even = vmlal_s16(even, vget_low_s16(r_high), vget_low_s16(q_high));
    odd = vmlal_high_s16(odd, r_high, q_high);
  }
  auto sum = static_cast<uint32_t>(vaddvq_s32(vaddq_s32(even, odd)));
  for (; i < dim; ++i) sum += static_cast<uint32_t>(int{bytes[i]} * query[i]);
  return static_cast<int32_t>(sum);
}

}  // namespace

void DotBytes(const std::byte* const* rows, size_t row_count, size_t dim, const int8_t* query,
              size_t parts, int32_t* out) {
  for (size_t part = 0; part < parts; ++part) {
    for (size_t r = 0; r < row_count; ++r) {
      out[part * row_count + r] = DotRow(rows[r], query + part * dim, dim);
    }
  }
}

}  // namespace viper::kernels::neon

#endif
