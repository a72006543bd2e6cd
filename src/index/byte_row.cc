#include "index/byte_row.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/assert.h"
#include "base/coding.h"
#include "index/exact_distance.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

/// A row's steps go from -127 to 127 around this byte.
constexpr int kZeroByte = 128;
constexpr float kRowSteps = 127;
/// A query's steps when it takes two parts: 127 * 128.
constexpr float kQuerySteps = 16'256;
constexpr int kPartBase = 128;
/// Standard deviations of rounding that an error bound covers, over that of a uniform error of one
/// step.
const float kErrorSteps = 3 / std::sqrt(12.0F);
constexpr size_t kIndependentDims = 24;
constexpr size_t kRowsMax = 64;

void EncodeScaled(std::span<const float> row, std::byte* out) {
  float largest = 0;
  double squared = 0;
  for (const float x : row) {
    largest = std::max(largest, std::fabs(x));
    squared += double{x} * double{x};
  }
  const float step = largest / kRowSteps;
  const float inverse = step > 0 ? 1 / step : 0;
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

float LoadFloat(const std::byte* bytes) {
  float value = 0;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

}  // namespace

bool IsWhole(std::span<const float> floats) {
  // Numbers that do not fit convert to some other number: they are not equal to themselves then.
  int others = 0;
  for (const float x : floats) {
    const auto byte = static_cast<uint8_t>(static_cast<int>(std::clamp(x, 0.0F, 255.0F)));
    others |= static_cast<float>(byte) == x ? 0 : 1;
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
  parts_ = whole_rows && IsWhole(query) ? 1 : 2;
  query_.resize(parts_ * dim_);
  squared_scale_ = whole_rows ? double{model.content().scale} * double{model.content().scale} : 1;
  squared_norm_ = SquaredNormOf(source.data(), dim_);
  norm_ = static_cast<float>(std::sqrt(squared_norm_));
  float largest = 0;
  for (const float x : source) largest = std::max(largest, std::fabs(x - shift));
  // The rounding of few components is not independent after the rotation: then the worst case.
  error_per_step_ = norm_ * kErrorSteps;
  if (model.dim() < kIndependentDims) {
    error_per_step_ = 0;
    for (const float x : source) error_per_step_ += std::fabs(x) / 2;
  }
  step_ = parts_ == 1 ? 1 : std::max(largest, 1e-30F) / kQuerySteps;
  const float inverse = 1 / step_;
  int64_t sum = 0;
  for (size_t i = 0; i < dim_; ++i) {
    const float scaled = (source[i] - shift) * inverse;
    const int steps = static_cast<int>(scaled + (scaled < 0 ? -0.5F : 0.5F));
    sum += steps;
    // For one part the high one is all there is.
    const int high = parts_ == 1 ? steps : (steps + kPartBase / 2) >> 7;
    query_[i] = static_cast<int8_t>(high);
    if (parts_ == 2) query_[dim_ + i] = static_cast<int8_t>(steps - kPartBase * high);
  }
  centre_ = static_cast<double>(kZeroByte * sum);
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
  int32_t products[2 * kRowsMax];
  kernels::Active().dot_bytes(rows, count, dim_, query_.data(), parts_, products);
  for (size_t i = 0; i < count; ++i) {
    const std::byte* factors = rows[i] + dim_;
    const float row_step = LoadFloat(factors);
    const double steps = 128.0 * products[i] + products[count + i] - centre_;
    const double product = steps * double{row_step} * double{step_};
    if (metric_ == Metric::kDot) {
      estimates[i] = static_cast<float>(-product);
      errors[i] = error_per_step_ * row_step;
    } else {
      estimates[i] = static_cast<float>(squared_norm_ + double{LoadFloat(factors + sizeof(float))} -
                                        2 * product);
      errors[i] = 2 * error_per_step_ * row_step;
    }
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
