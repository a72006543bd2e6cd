// The specification of the 1-bit scan, and the layout of tables of every level but avx512_vbmi: for
// each half of each plane, 16 entries, one for each value of its four bits.
//
// Entries: a table of sums of the absolute values, whose least is 0 (no bit set), is divided by the
// scale, rounded to nearest, and stored with the bits of negative components flipped. This is the
// table of sums less the sum of the negative components, which goes into the offset. Sums are made
// from the lowest bit on, each step rounded to float, so that the levels agree.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/code_block.h"
#include "kernels/level_functions.h"

namespace viper::kernels {

TableScale ChooseTableScale(float range, size_t lookups) {
  // Below it the inverse would overflow; NaN, which callers exclude, ends here too.
  constexpr float kRangeMin = 1e-36F;
  constexpr size_t kEntryMax = 63;
  constexpr size_t kSumMax = 65'535;
  if (!(range >= kRangeMin)) return {};
  const size_t share = kSumMax / lookups;
  const auto entry_max = static_cast<float>(share < kEntryMax ? share : kEntryMax);
  return {range / entry_max, entry_max / range};
}

namespace scalar {
namespace {

constexpr size_t kTableDims = 4;
constexpr size_t kTableEntries = 16;

/// Half precision, whatever it holds.
float FromHalf(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000U) << 16;
  const uint32_t exponent = (half >> 10) & 0x1FU;
  const uint32_t fraction = half & 0x3FFU;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign == 0 ? magnitude : -magnitude;
  }
  // The exponent counts from 15, that of float from 127; the largest means infinite in both.
  const uint32_t wide_exponent = exponent == 0x1FU ? 0xFFU : exponent + 112;
  const uint32_t bits = sign | wide_exponent << 23 | fraction << 13;
  float value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

float LoadHalf(const std::byte* halves, size_t i) {
  uint16_t half = 0;
  std::memcpy(&half, halves + 2 * i, sizeof(half));
  return FromHalf(half);
}

/// What the widest table spans: the absolute values of its components, added in pairs.
float WidestRange(const float* query, size_t planes) {
  float widest = 0;
  for (size_t i = 0; i < 8 * planes; i += kTableDims) {
    const float range = (std::fabs(query[i]) + std::fabs(query[i + 1])) +
                        (std::fabs(query[i + 2]) + std::fabs(query[i + 3]));
    widest = std::fmax(widest, range);
  }
  return widest;
}

void BuildEntries(const float* query, float inverse, uint8_t* entries) {
  for (size_t bits = 0; bits < kTableEntries; ++bits) {
    float sum = 0;
    for (size_t i = 0; i < kTableDims; ++i) {
      const bool is_set = (bits >> i & 1U) != 0;
      if (is_set != std::signbit(query[i])) sum += std::fabs(query[i]) * inverse;
    }
    entries[bits] = static_cast<uint8_t>(std::lrintf(sum));
  }
}

}  // namespace

size_t TableBytes(size_t planes) { return 2 * kTableEntries * planes; }

void BuildTable(const float* query, size_t planes, CodeTable* table) {
  const TableScale scale = ChooseTableScale(WidestRange(query, planes), 2 * planes);
  double offset = 0;
  for (size_t i = 0; i < 8 * planes; ++i) offset += std::fmin(query[i], 0.0F);
  for (size_t t = 0; t < 2 * planes; ++t) {
    BuildEntries(query + t * kTableDims, scale.inverse, table->entries + t * kTableEntries);
  }
  table->scale = scale.scale;
  table->offset = static_cast<float>(offset);
}

uint64_t ScanBlock(const std::byte* block, size_t planes, const uint8_t* entries,
                   const BlockBound& bound, float* values) {
  const std::byte* addends = block + planes * kBlockRows;
  const std::byte* factors = addends + 2 * kBlockRows;
  uint64_t below = 0;
  for (size_t r = 0; r < kBlockRows; ++r) {
    uint32_t sum = 0;
    for (size_t p = 0; p < planes; ++p) {
      const auto code = static_cast<uint8_t>(block[p * kBlockRows + r]);
      const uint8_t* tables = entries + 2 * kTableEntries * p;
      sum += tables[code & 0xFU] + tables[kTableEntries + (code >> 4)];
    }
    const float scaled = std::fma(bound.scale, static_cast<float>(sum), bound.shift);
    const float fixed = LoadHalf(addends, r) + bound.base;
    values[r] = std::fma(LoadHalf(factors, r), scaled, fixed);
    if (values[r] < bound.threshold) below |= uint64_t{1} << r;
  }
  return below;
}

}  // namespace scalar
}  // namespace viper::kernels
