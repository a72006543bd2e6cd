#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace viper {

/// Whether no component is infinite or NaN. Without a way out of the loop, so that the compiler
/// makes vectors of it.
inline bool AreFinite(std::span<const float> floats) {
  constexpr uint32_t kExponent = 0x7f800000;
  uint32_t others = 0;
  for (const float x : floats) {
    others |= static_cast<uint32_t>((std::bit_cast<uint32_t>(x) & kExponent) == kExponent);
  }
  return others == 0;
}

/// The place of the first component that is infinite or NaN; none if all are finite.
inline std::optional<size_t> FindNotFinite(std::span<const float> floats) {
  if (AreFinite(floats)) return std::nullopt;
  size_t place = 0;
  while (std::isfinite(floats[place])) ++place;
  return place;
}

}  // namespace viper
