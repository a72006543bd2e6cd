#include "index/smallest_picker.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr size_t kSampleStep = 16;
constexpr int kStepsMax = 24;

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

float SmallestPicker::Pick(std::span<const float> values, size_t count) {
  const Range range = SampleRange(values);
  if (range.low > range.high || count * 2 >= values.size()) return TakeUpTo(values, kLargest);
  // The sample's least is near the count-th smallest where few are wanted of many: begin there, go
  // up by strides until enough are taken, then halve.
  float limit = range.low;
  float below = -kInfinity;
  float above = kLargest;
  const float stride = (range.high - range.low) / 8 + std::fabs(range.low) * 1e-6F;
  for (int step = 0; step < kStepsMax; ++step) {
    TakeUpTo(values, limit);
    const size_t taken = CountTaken();
    if (taken < count) {
      below = limit;
      limit = above == kLargest ? limit + stride : below + (above - below) / 2;
      continue;
    }
    above = limit;
    if (taken <= count + count / 2) return limit;
    limit = below == -kInfinity ? limit - stride : below + (above - below) / 2;
  }
  return TakeUpTo(values, above);
}

float SmallestPicker::TakeUpTo(std::span<const float> values, float limit) {
  masks_.resize(values.size() / kernels::kBlockRows);
  kernels::Active().mask_not_above(values.data(), masks_.size(), std::min(limit, kLargest),
                                   masks_.data());
  return limit;
}

size_t SmallestPicker::CountTaken() const {
  size_t count = 0;
  for (const uint64_t mask : masks_) count += static_cast<size_t>(std::popcount(mask));
  return count;
}

}  // namespace viper::index
