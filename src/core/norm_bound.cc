#include "core/norm_bound.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/kernel_table.h"

namespace viper::core {
namespace {

/// Covers the rounding of a float sum of up to 65,536 squares.
constexpr double kRounding = 1.01;
/// Squares of components below this vanish in single precision.
constexpr double kVanishing = 1.1e-19;

double NormInDouble(const std::byte* row, size_t dim) {
  double sum = 0;
  for (size_t i = 0; i < dim; ++i) {
    float component;
    std::memcpy(&component, row + i * sizeof(float), sizeof(component));
    sum += double{component} * double{component};
  }
  return std::sqrt(sum);
}

}  // namespace

double NormBound(const std::byte* rows, size_t row_count, size_t dim) {
  if (row_count == 0) return 0;
  std::vector<float> squared(row_count);
  kernels::Active().squared_norm(rows, row_count, dim, squared.data());
  const float largest = *std::max_element(squared.begin(), squared.end());
  if (std::isfinite(largest)) {
    return (std::sqrt(double{largest}) + std::sqrt(static_cast<double>(dim)) * kVanishing) *
           kRounding;
  }
  double norm = 0;
  for (size_t row = 0; row < row_count; ++row) {
    norm = std::max(norm, NormInDouble(rows + row * dim * sizeof(float), dim));
  }
  return norm * kRounding;
}

}  // namespace viper::core
