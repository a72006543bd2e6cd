#include "index/smallest_picker.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr size_t kSampleStep = 16;
/// More than the bits of a float: halving has come to one value.
constexpr int kStepsMax = 40;

/// Floats in the order of whole numbers, so that halving works for any distribution of them.
int64_t KeyOf(float value) {
  const auto bits = std::bit_cast<int32_t>(value);
  return bits >= 0 ? bits : int64_t{std::numeric_limits<int32_t>::min()} - bits;
}

float ValueOf(int64_t key) {
  const auto bits = key >= 0 ? static_cast<int32_t>(key)
                             : static_cast<int32_t>(std::numeric_limits<int32_t>::min() - key);
  return std::bit_cast<float>(bits);
}

struct Range {
  float low = kInfinity;
  float high = -kInfinity;
};

/// Of every 16th finite value.
Range SampleRange(std::span<const float> values) {
  Range range;
  for (size_t i = 0; i < values.size(); i += kSampleStep) {
    if (values[i] == kInfinity) continue;
    range.low = std::min(range.low, values[i]);
    range.high = std::max(range.high, values[i]);
  }
  return range;
}

}  // namespace

void HideValues(uint64_t bits, float* values) {
  for (; bits != 0; bits &= bits - 1) values[std::countr_zero(bits)] = kInfinity;
}

float SmallestPicker::Pick(std::span<const float> values, size_t count) {
  const Range range = SampleRange(values);
  if (range.low > range.high || count * 2 >= values.size()) return TakeUpTo(values, kLargest);
  // Halve between a limit that takes too few and one that takes enough, until few enough are taken.
  // The sample's least is near the count-th smallest where few are wanted of many: begin there.
  int64_t below = KeyOf(-kLargest);
  int64_t above = KeyOf(kLargest);
  // A value may be minus infinity: the bound of a row whose factors are beyond half precision.
  int64_t limit = std::max(KeyOf(range.low), below);
  int64_t stride = (KeyOf(range.high) - limit) / 16 + 1;
  for (int step = 0; step < kStepsMax && below + 1 < above; ++step) {
    const size_t taken = Mask(values, ValueOf(limit));
    const bool is_enough = taken >= count;
    if (is_enough && taken <= count + count / 2) return ValueOf(limit);
    (is_enough ? above : below) = limit;
    // Strides until the wanted limit lies between two.
    const bool is_open = is_enough ? below == KeyOf(-kLargest) : above == KeyOf(kLargest);
    limit = is_open ? limit + (is_enough ? -stride : stride) : below + (above - below) / 2;
    if (is_open) stride *= 2;
    limit = std::clamp(limit, below, above);
  }
  return TakeUpTo(values, ValueOf(above));
}

float SmallestPicker::TakeUpTo(std::span<const float> values, float limit) {
  Mask(values, limit);
  return limit;
}

size_t SmallestPicker::Mask(std::span<const float> values, float limit) {
  masks_.resize(values.size() / kernels::kBlockRows);
  return kernels::Active().mask_not_above(values.data(), masks_.size(), std::min(limit, kLargest),
                                          masks_.data());
}

}  // namespace viper::index
