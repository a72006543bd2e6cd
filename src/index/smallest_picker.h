#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace viper::index {

/// Put the values of 64 that these bits stand for out of reach of a pick.
void HideValues(uint64_t bits, float* values);

/// Picks the smallest of a list of values, whose length is a multiple of 64 (padded with infinity);
/// without NaN. Not thread-safe.
class SmallestPicker {
 public:
  /// Masks of at least `count` of the finite values (or all of them), and not many more: those that
  /// are not above a limit, which is found by halving the range. Returns the limit.
  float Pick(std::span<const float> values, size_t count);
  /// Masks of the finite values up to a limit. Returns it.
  float TakeUpTo(std::span<const float> values, float limit);

  /// Bit i of mask b: values[64 * b + i] is picked.
  const std::vector<uint64_t>& masks() const { return masks_; }

 private:
  /// Returns how many are taken.
  size_t Mask(std::span<const float> values, float limit);

  std::vector<uint64_t> masks_;
};

}  // namespace viper::index
