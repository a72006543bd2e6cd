#include "index/byte_row.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numbers>
#include <numeric>

#include "base/assert.h"
#include "base/coding.h"
#include "index/exact_distance.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

/// A row's steps go from -127 to 127 around this byte.
constexpr int kZeroByte = 128;
constexpr float kRowSteps = 127;
/// A query's steps when it takes one part, and two: 127 * 128.
constexpr float kQuerySteps = 127;
constexpr float kQueryStepsOfTwo = 16'256;
constexpr int kPartBase = 128;
/// Standard deviations of rounding that an error bound covers, over that of a uniform error of one
/// step.
const float kErrorSteps = 3 / std::sqrt(12.0F);
constexpr size_t kIndependentDims = 24;
/// Of sums of single precision, for each unit of the largest term.
constexpr float kRounding = 4e-7F;
constexpr size_t kRowsMax = 64;

void EncodeScaled(std::span<const float> row, std::byte* out) {
  float largest = 0;
  double squared = 0;
  for (const float x : row) {
    largest = std::max(largest, std::fabs(x));
    squared += double{x} * double{x};
  }
  const float step = largest / kRowSteps;
  // The inverse of a smaller step would be infinite.
  const float inverse = step >= std::numeric_limits<float>::min() ? 1 / step : 0;
  for (size_t i = 0; i < row.size(); ++i) {
    const float steps = std::clamp(std::nearbyint(row[i] * inverse), -kRowSteps, kRowSteps);
    out[i] = std::byte(static_cast<uint8_t>(static_cast<int>(steps) + kZeroByte));
  }
  const auto norm = static_cast<float>(squared);
  std::memcpy(out + row.size(), &step, sizeof(step));
  std::memcpy(out + row.size() + sizeof(step), &norm, sizeof(norm));
}

/// The factor of a whole row x is |x|^2 - 256 sum x, so that |x - q|^2 = |q|^2 + factor
/// - 2 <x, q - 128>: bytes are unsigned in one operand of the kernel and signed in the other.
void EncodeWhole(std::span<const float> row, std::byte* out) {
  int64_t factor = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    const int x = static_cast<int>(row[i]);
    out[i] = std::byte(static_cast<uint8_t>(x));
    factor += x * x - 2 * kZeroByte * x;
  }
  StoreFixed(out + row.size(), static_cast<int32_t>(factor));
}

/// max |x - shift|. Lanes, so that the compiler makes them vectors.
float LargestDifference(std::span<const float> values, float shift) {
  constexpr size_t kLanes = 8;
  float lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float difference = std::fabs(values[i + lane] - shift);
      lanes[lane] = difference > lanes[lane] ? difference : lanes[lane];
    }
  }
  float largest = *std::max_element(lanes, lanes + kLanes);
  for (; i < values.size(); ++i) largest = std::max(largest, std::fabs(values[i] - shift));
  return largest;
}

/// The whole number nearest to x, for |x| <= 2^22, and some number for others: adding 1.5 * 2^23
/// leaves no bits for a fraction. In this form, the compiler makes vectors of it.
int32_t Rounded(float x) {
  constexpr float kNoFraction = 0x1.8p23F;
  return static_cast<int32_t>(std::bit_cast<uint32_t>(x + kNoFraction) -
                              std::bit_cast<uint32_t>(kNoFraction));
}

float LoadFloat(const std::byte* bytes) {
  float value = 0;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

}  // namespace

bool IsWhole(std::span<const float> floats) {
  // What does not round to a byte is not equal to the one that its last bits are.
  int others = 0;
  for (const float x : floats) {
    others |= static_cast<float>(Rounded(x) & 0xFF) == x ? 0 : 1;
  }
  return others == 0;
}

void EncodeByteRow(ByteRows kind, std::span<const float> row, std::byte* out) {
  if (kind == ByteRows::kScaled) return EncodeScaled(row, out);
  VIPER_ASSERT(kind == ByteRows::kWhole);
  EncodeWhole(row, out);
}

void ByteQuery::Prepare(ByteRows kind, const Model& model, std::span<const float> query,
                        std::span<const float> rotated) {
  kind_ = kind;
  metric_ = model.metric();
  const bool whole_rows = kind == ByteRows::kWhole;
  const std::span<const float> source = whole_rows ? query : rotated;
  const float shift = whole_rows ? kZeroByte : 0;
  dim_ = source.size();
  const bool is_whole = whole_rows && IsWhole(query);
  parts_ = whole_rows && !is_whole ? 2 : 1;
  squared_scale_ = whole_rows ? double{model.content().scale} * double{model.content().scale} : 1;
  squared_norm_ = SquaredNormOf(source.data(), dim_);
  norm_ = static_cast<float>(std::sqrt(squared_norm_));
  step_ = 1;
  if (!is_whole) {
    const float steps = parts_ == 1 ? kQuerySteps : kQueryStepsOfTwo;
    step_ = std::max(LargestDifference(source, shift), 1e-30F) / steps;
  }
  error_per_step_ = norm_ * kErrorSteps;
  error_per_norm_ = step_ * kErrorSteps;
  if (model.dim() < kIndependentDims) {
    // The rounding of few components is not independent after the rotation: then the worst case,
    // sums in place of the root of squares, which are at most sqrt(2) as large.
    const double sum = std::transform_reduce(source.begin(), source.end(), 0.0, std::plus<>(),
                                             [](float x) { return std::fabs(x); });
    error_per_step_ = static_cast<float>(std::numbers::sqrt2 * sum / 2);
    error_per_norm_ =
        static_cast<float>(std::numbers::sqrt2 * step_ / 2 * std::sqrt(static_cast<double>(dim_)));
  }
  TakeSteps(source, shift);
}

/// query = shift + step (128 high + low), or without a low part shift + step high.
void ByteQuery::TakeSteps(std::span<const float> source, float shift) {
  const float inverse = 1 / step_;
  const size_t dim = dim_;
  query_.resize(parts_ * dim);
  int8_t* high_part = query_.data();
  int8_t* low_part = high_part + dim;
  if (parts_ == 1) {
    int32_t sum = 0;  // at most 65,536 components of 128 steps
    for (size_t i = 0; i < dim; ++i) {
      const int32_t steps = Rounded((source[i] - shift) * inverse);
      sum += steps;
      high_part[i] = static_cast<int8_t>(steps);
    }
    centre_ = kZeroByte * sum;
    return;
  }
  for (size_t i = 0; i < dim; ++i) {
    const int32_t steps = Rounded((source[i] - shift) * inverse);
    const int32_t high = (steps + kPartBase / 2) >> 7;
    high_part[i] = static_cast<int8_t>(high);
    low_part[i] = static_cast<int8_t>(steps - kPartBase * high);
  }
  centre_ = 0;
}

void ByteQuery::Estimate(const std::byte* const* rows, size_t count, float* estimates,
                         float* errors) const {
  for (size_t first = 0; first < count; first += kRowsMax) {
    const size_t some = std::min(kRowsMax, count - first);
    if (kind_ == ByteRows::kScaled) {
      EstimateScaled(rows + first, some, estimates + first, errors + first);
    } else {
      EstimateWhole(rows + first, some, estimates + first, errors + first);
    }
  }
}

void ByteQuery::EstimateScaled(const std::byte* const* rows, size_t count, float* estimates,
                               float* errors) const {
  int32_t products[kRowsMax];
  float row_steps[kRowsMax];
  float squared_row_norms[kRowsMax];
  kernels::Active().dot_bytes(rows, count, dim_, query_.data(), 1, products);
  for (size_t i = 0; i < count; ++i) {
    row_steps[i] = LoadFloat(rows[i] + dim_);
    squared_row_norms[i] = LoadFloat(rows[i] + dim_ + sizeof(float));
  }
  // Apart from the loads, so that the compiler makes these vectors.
  const auto squared_norm = metric_ == Metric::kDot ? 0 : static_cast<float>(squared_norm_);
  const float norm_weight = metric_ == Metric::kDot ? 0 : 1;
  const float product_weight = metric_ == Metric::kDot ? 1 : 2;
  for (size_t i = 0; i < count; ++i) {
    const float product = static_cast<float>(products[i] - centre_) * (row_steps[i] * step_);
    const float norms = squared_norm + norm_weight * squared_row_norms[i];
    estimates[i] = norms - product_weight * product;
    // The roundings of row and query are independent of each other.
    const float row_error = error_per_step_ * row_steps[i];
    const float squared_error =
        row_error * row_error + error_per_norm_ * error_per_norm_ * squared_row_norms[i];
    errors[i] = product_weight * std::sqrt(squared_error) + kRounding * norms;
  }
}

void ByteQuery::CompareWhole(const std::byte* const* rows, size_t count, double* squared) const {
  int32_t products[2 * kRowsMax];
  kernels::Active().dot_bytes(rows, count, dim_, query_.data(), parts_, products);
  for (size_t i = 0; i < count; ++i) {
    const auto factor = LoadFixed<int32_t>(rows[i] + dim_);
    double product = products[i];
    if (parts_ == 2) product = (128.0 * product + products[count + i]) * double{step_};
    squared[i] = squared_norm_ + static_cast<double>(factor) - 2 * product;
  }
}

void ByteQuery::EstimateWhole(const std::byte* const* rows, size_t count, float* estimates,
                              float* errors) const {
  double squared[kRowsMax];
  CompareWhole(rows, count, squared);
  const float error = parts_ == 1 ? 0
                                  : static_cast<float>(2 * squared_scale_) * kErrorSteps * step_ *
                                        255 * std::sqrt(static_cast<float>(dim_));
  for (size_t i = 0; i < count; ++i) {
    estimates[i] = static_cast<float>(squared[i] * squared_scale_);
    errors[i] = error;
  }
}

void ByteQuery::ExactDistances(const std::byte* const* rows, size_t count,
                               double* distances) const {
  VIPER_ASSERT(is_exact() && count <= kRowsMax);
  CompareWhole(rows, count, distances);
  for (size_t i = 0; i < count; ++i) distances[i] = std::sqrt(distances[i]);
}

}  // namespace viper::index
