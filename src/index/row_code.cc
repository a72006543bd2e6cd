#include "index/row_code.h"

#include <cmath>
#include <cstring>

#include "base/assert.h"
#include "base/coding.h"
#include "base/half.h"
#include "kernels/kernel_table.h"

namespace viper::index {
namespace {

using kernels::kBlockRows;

/// Mean cosine between a vector on the sphere and its vector of signs, in many dimensions
/// (sqrt(2 / pi)).
constexpr double kSignCosine = 0.79788456;

}  // namespace

RowFactors EncodeRow(Metric metric, const float* residual, const float* centroid, size_t planes,
                     uint8_t* bits) {
  double squared = 0;
  double absolute = 0;
  double along_centroid = 0;  // <c, x - 1/2>
  for (size_t plane = 0; plane < planes; ++plane) {
    uint8_t byte = 0;
    for (size_t i = 0; i < 8; ++i) {
      const float r = residual[8 * plane + i];
      const float c = centroid[8 * plane + i];
      const bool positive = r > 0;
      byte = static_cast<uint8_t>(byte | (static_cast<unsigned>(positive) << i));
      squared += double{r} * double{r};
      absolute += std::fabs(double{r});
      along_centroid += positive ? 0.5 * double{c} : -0.5 * double{c};
    }
    bits[plane] = byte;
  }
  RowFactors factors;
  if (absolute == 0) return factors;
  const double share = 2 * squared / absolute;
  const double weight = metric == Metric::kDot ? 1 : 2;
  if (metric != Metric::kDot) {
    factors.addend = HalfNotAbove(static_cast<float>(squared + weight * share * along_centroid));
  }
  factors.factor = HalfNotAbove(static_cast<float>(-weight * share));
  // So far from its centroid that the factor has no number: then every bound lets the row pass.
  if (factors.factor == kHalfMinusInfinity) factors = {kHalfMinusInfinity, 0};
  return factors;
}

void StoreRow(const uint8_t* bits, const RowFactors& factors, size_t planes, size_t row,
              std::byte* block) {
  VIPER_ASSERT(row < kBlockRows);
  for (size_t plane = 0; plane < planes; ++plane) {
    block[plane * kBlockRows + row] = std::byte{bits[plane]};
  }
  std::byte* addends = block + planes * kBlockRows;
  StoreFixed(addends + 2 * row, factors.addend);
  StoreFixed(addends + 2 * kBlockRows + 2 * row, factors.factor);
}

void CopyRow(const std::byte* from_block, size_t from, size_t planes, size_t row,
             std::byte* block) {
  VIPER_ASSERT(from < kBlockRows && row < kBlockRows);
  for (size_t plane = 0; plane < planes; ++plane) {
    block[plane * kBlockRows + row] = from_block[plane * kBlockRows + from];
  }
  // Addends of all rows, then their factors.
  const size_t factors = planes * kBlockRows;
  for (size_t array = 0; array < 2; ++array) {
    const size_t first = factors + array * 2 * kBlockRows;
    std::memcpy(block + first + 2 * row, from_block + first + 2 * from, 2);
  }
}

void PadBlock(size_t planes, size_t first, std::byte* block) {
  std::byte* addends = block + planes * kBlockRows;
  for (size_t row = first; row < kBlockRows; ++row) {
    for (size_t plane = 0; plane < planes; ++plane) block[plane * kBlockRows + row] = std::byte{0};
    StoreFixed(addends + 2 * row, kHalfInfinity);
    StoreFixed(addends + 2 * kBlockRows + 2 * row, uint16_t{0});
  }
}

float ErrorShare(size_t code_dim, float deviations) {
  const double dim = static_cast<double>(code_dim);
  const double sine = std::sqrt(1 - kSignCosine * kSignCosine);
  return static_cast<float>(deviations / 2 * sine * std::sqrt(dim / std::max(1.0, dim - 1)));
}

float TypicalError(size_t code_dim) {
  const double sum = kSignCosine * std::sqrt(static_cast<double>(code_dim));
  return static_cast<float>(2 / sum) * ErrorShare(code_dim, 1);
}

}  // namespace viper::index
