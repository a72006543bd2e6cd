#pragma once

#include <bit>
#include <cstdint>

namespace viper {

/// IEEE 754 half precision as its bits: what factors of codes are stored in. Conversions between it
/// and float, by arithmetic on bits, for places where speed does not matter.

/// Exact. Infinities stay; not-a-number stays one.
constexpr float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000U) << 16;
  const uint32_t exponent = (half >> 10) & 0x1FU;
  const uint32_t fraction = half & 0x3FFU;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000U | (fraction << 13));
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
}

/// The largest half that is not above `value`, which is not NaN; minus infinity below all finite
/// halves.
constexpr uint16_t HalfNotAbove(float value) {
  constexpr float kMax = 65504.0F;
  if (value >= kMax) return 0x7BFF;
  if (value < -kMax) return 0xFC00;
  const bool negative = value < 0;
  const float magnitude = negative ? -value : value;
  uint16_t bits = 0;
  if (magnitude < 0x1p-14F) {
    bits = static_cast<uint16_t>(magnitude * 0x1p24F);
  } else {
    bits = static_cast<uint16_t>((std::bit_cast<uint32_t>(magnitude) - (112U << 23)) >> 13);
  }
  // Cut off towards zero: for a negative value that is above it unless nothing was cut.
  if (!negative) return bits;
  if (HalfToFloat(bits) != magnitude) ++bits;
  return static_cast<uint16_t>(bits | 0x8000U);
}

}  // namespace viper
