#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "viper/export.h"

namespace viper {

/// Vectors that were made in fewer bits, as the 32-bit floats that records and queries hold. Each
/// of their numbers is one of those exactly: nothing is lost, and what comes back converts to what
/// went in. In files they take little more room than in their own type under StoragePolicy::kSize.

/// IEEE 754 half precision (binary16), as its bits. Infinities and not-a-numbers stay what they are
/// (and are refused by writes).
VIPER_EXPORT std::vector<float> FloatsOfHalf(std::span<const uint16_t> bits);
/// The upper halves of floats (bfloat16), as their bits.
VIPER_EXPORT std::vector<float> FloatsOfBfloat16(std::span<const uint16_t> bits);
VIPER_EXPORT std::vector<float> FloatsOfInt8(std::span<const int8_t> numbers);
VIPER_EXPORT std::vector<float> FloatsOfUint8(std::span<const uint8_t> numbers);

}  // namespace viper
