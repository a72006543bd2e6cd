// The 1-bit scan by look-ups of bytes: a table of 16 entries, four bits of a plane looked up for 16
// rows at once. Layout and entries: code_scan_scalar.cc.

#include <cstddef>
#include <cstdint>

#include "kernels/code_block.h"
#include "kernels/level_functions.h"

#if defined(__aarch64__)

#include <arm_neon.h>

namespace viper::kernels::neon {
namespace {

constexpr size_t kTableDims = 4;
constexpr size_t kTableEntries = 16;
constexpr size_t kPlaneBytes = 2 * kTableEntries;
/// Rows of one vector of bytes.
constexpr size_t kVectorRows = 16;
constexpr size_t kVectors = kBlockRows / kVectorRows;

const uint8_t* Bytes(const std::byte* bytes) {
  return static_cast<const uint8_t*>(static_cast<const void*>(bytes));
}

/// One where lane `bit` of a mask of 2 bits would have it.
uint32x4_t LanesWithBit(uint32_t lane1, uint32_t lane2) {
  const uint32_t lanes[4] = {0, lane1, lane2, 0xFFFFFFFFU};
  return vld1q_u32(lanes);
}

float32x4_t Masked(float32x4_t v, uint32x4_t mask) {
  return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), mask));
}

/// Bit i = the sign of lane i.
uint32_t Signs(float32x4_t v) {
  const int32_t places[4] = {0, 1, 2, 3};
  const uint32x4_t signs = vshrq_n_u32(vreinterpretq_u32_f32(v), 31);
  return vaddvq_u32(vshlq_u32(signs, vld1q_s32(places)));
}

void StoreTable(float32x4_t components, float inverse, uint8_t* entries) {
  const float32x4_t scaled = vmulq_n_f32(vabsq_f32(components), inverse);
  const float32x4_t bit0 = Masked(vdupq_laneq_f32(scaled, 0), LanesWithBit(0xFFFFFFFFU, 0));
  const float32x4_t bit1 = Masked(vdupq_laneq_f32(scaled, 1), LanesWithBit(0, 0xFFFFFFFFU));
  const float32x4_t low = vaddq_f32(bit0, bit1);
  const float32x4_t with2 = vaddq_f32(low, vdupq_laneq_f32(scaled, 2));
  const float32x4_t with3 = vaddq_f32(low, vdupq_laneq_f32(scaled, 3));
  const float32x4_t with23 = vaddq_f32(with2, vdupq_laneq_f32(scaled, 3));
  const uint16x8_t words01 =
      vcombine_u16(vmovn_u32(vcvtnq_u32_f32(low)), vmovn_u32(vcvtnq_u32_f32(with2)));
  const uint16x8_t words23 =
      vcombine_u16(vmovn_u32(vcvtnq_u32_f32(with3)), vmovn_u32(vcvtnq_u32_f32(with23)));
  const uint8x16_t bytes = vcombine_u8(vmovn_u16(words01), vmovn_u16(words23));
  const uint8_t entry[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const uint8x16_t flips = vdupq_n_u8(static_cast<uint8_t>(Signs(components)));
  vst1q_u8(entries, vqtbl1q_u8(bytes, veorq_u8(vld1q_u8(entry), flips)));
}

/// Sums of 16 rows.
struct RowSums {
  uint16x8_t low, high;
};

void AddBytes(RowSums& sums, uint8x16_t bytes) {
  sums.low = vaddw_u8(sums.low, vget_low_u8(bytes));
  sums.high = vaddw_high_u8(sums.high, bytes);
}

/// The sums of both tables of a plane, for 16 rows.
uint8x16_t SumPlane(const std::byte* plane, const uint8_t* entries) {
  const uint8x16_t codes = vld1q_u8(Bytes(plane));
  const uint8x16_t low = vqtbl1q_u8(vld1q_u8(entries), vandq_u8(codes, vdupq_n_u8(0xF)));
  const uint8x16_t high = vqtbl1q_u8(vld1q_u8(entries + kTableEntries), vshrq_n_u8(codes, 4));
  return vaddq_u8(low, high);
}

/// Four halves from row `row` on.
float32x4_t LoadHalves(const std::byte* halves, size_t row) {
  return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(Bytes(halves + 2 * row))));
}

struct BoundLanes {
  float32x4_t scale, shift, base, threshold;
};

/// Bounds of four rows from `row` on.
uint64_t BoundRows(uint16x4_t sums, const std::byte* halves, size_t row, const BoundLanes& bound,
                   float* values) {
  const float32x4_t fixed = vaddq_f32(LoadHalves(halves, row), bound.base);
  const float32x4_t sum = vcvtq_f32_u32(vmovl_u16(sums));
  const float32x4_t scaled = vfmaq_f32(bound.shift, bound.scale, sum);
  const float32x4_t value = vfmaq_f32(fixed, LoadHalves(halves, kBlockRows + row), scaled);
  vst1q_f32(values + row, value);
  const uint32_t bits[4] = {1, 2, 4, 8};
  const uint32x4_t below = vandq_u32(vcltq_f32(value, bound.threshold), vld1q_u32(bits));
  return uint64_t{vaddvq_u32(below)} << row;
}

}  // namespace

size_t TableBytes(size_t planes) { return kPlaneBytes * planes; }

void BuildTable(const float* query, size_t planes, CodeTable* table) {
  const size_t tables = 2 * planes;
  float32x4_t widest = vdupq_n_f32(0);
  float32x4_t negative = vdupq_n_f32(0);
  for (size_t t = 0; t < tables; ++t) {
    const float32x4_t components = vld1q_f32(query + t * kTableDims);
    const float32x4_t absolutes = vabsq_f32(components);
    const float32x4_t pairs = vpaddq_f32(absolutes, absolutes);
    widest = vmaxq_f32(widest, vpaddq_f32(pairs, pairs));
    negative = vaddq_f32(negative, vminq_f32(components, vdupq_n_f32(0)));
  }
  const TableScale scale = ChooseTableScale(vgetq_lane_f32(widest, 0), tables);
  for (size_t t = 0; t < tables; ++t) {
    StoreTable(vld1q_f32(query + t * kTableDims), scale.inverse,
               table->entries + t * kTableEntries);
  }
  table->scale = scale.scale;
  table->offset = vaddvq_f32(negative);
}

uint64_t ScanBlock(const std::byte* block, size_t planes, const uint8_t* entries,
                   const BlockBound& bound, float* values) {
  const BoundLanes lanes = {vdupq_n_f32(bound.scale), vdupq_n_f32(bound.shift),
                            vdupq_n_f32(bound.base), vdupq_n_f32(bound.threshold)};
  const std::byte* halves = block + planes * kBlockRows;
  RowSums sums[kVectors];
  for (RowSums& sum : sums) sum = {vdupq_n_u16(0), vdupq_n_u16(0)};
  size_t p = 0;
  for (; p + 2 <= planes; p += 2) {
    const std::byte* plane = block + p * kBlockRows;
    const uint8_t* tables = entries + p * kPlaneBytes;
    for (size_t v = 0; v < kVectors; ++v) {
      const std::byte* codes = plane + v * kVectorRows;
      AddBytes(sums[v], vaddq_u8(SumPlane(codes, tables),
                                 SumPlane(codes + kBlockRows, tables + kPlaneBytes)));
    }
  }
  if (p < planes) {
    const std::byte* plane = block + p * kBlockRows;
    for (size_t v = 0; v < kVectors; ++v) {
      AddBytes(sums[v], SumPlane(plane + v * kVectorRows, entries + p * kPlaneBytes));
    }
  }
  uint64_t below = 0;
  for (size_t v = 0; v < kVectors; ++v) {
    const size_t row = v * kVectorRows;
    below |= BoundRows(vget_low_u16(sums[v].low), halves, row, lanes, values);
    below |= BoundRows(vget_high_u16(sums[v].low), halves, row + 4, lanes, values);
    below |= BoundRows(vget_low_u16(sums[v].high), halves, row + 8, lanes, values);
    below |= BoundRows(vget_high_u16(sums[v].high), halves, row + 12, lanes, values);
  }
  return below;
}

}  // namespace viper::kernels::neon

#endif
