#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace viper {

/// Whether a component is left out of a sparse vector: it has the bits of 0.0. A negative zero has
/// not, and stays.
inline bool IsZero(float component) { return std::bit_cast<uint32_t>(component) == 0; }

/// Count the components that are IsZero. At any byte address.
inline size_t CountZeros(std::span<const std::byte> floats) {
  uint32_t zeros = 0;  // a vector has at most kDimMax components
  for (size_t at = 0; at + sizeof(float) <= floats.size(); at += sizeof(float)) {
    uint32_t bits = 0;
    std::memcpy(&bits, floats.data() + at, sizeof(bits));
    zeros += bits == 0 ? 1 : 0;
  }
  return zeros;
}

/// Whether a vector of `dim` components, so many of them zero, counts as sparse.
inline bool IsSparse(size_t zeros, size_t dim, double threshold) {
  return static_cast<double>(zeros) > threshold * static_cast<double>(dim);
}

}  // namespace viper
