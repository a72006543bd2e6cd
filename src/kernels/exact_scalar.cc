// Sums in double precision, the same bits at every level: sixteen sums, of which sum l takes the
// terms of components l, l + 16, l + 32 and so on; then sums are added at distance 8, 4, 2, 1. A
// product of two floats is exact in double precision, so fusing it with the addition changes
// nothing; a squared difference is rounded before it is added.

#include <cstring>

#include "kernels/exact_levels.h"

namespace viper::kernels::scalar {
namespace {

constexpr size_t kSums = 16;

double Component(const std::byte* row, size_t i) {
  float component = 0;
  std::memcpy(&component, row + i * sizeof(float), sizeof(float));
  return static_cast<double>(component);
}

template <typename Term>
double SumOf(size_t dim, Term term) {
  double sums[kSums] = {};
  size_t i = 0;
  for (; i + kSums <= dim; i += kSums) {
    for (size_t j = 0; j < kSums; ++j) sums[j] += term(i + j);
  }
  for (size_t j = 0; i + j < dim; ++j) sums[j] += term(i + j);
  for (size_t width = kSums / 2; width > 0; width /= 2) {
    for (size_t j = 0; j < width; ++j) sums[j] += sums[j + width];
  }
  return sums[0];
}

}  // namespace

double ExactDot(const std::byte* row, const std::byte* other, size_t dim) {
  return SumOf(dim, [=](size_t i) { return Component(row, i) * Component(other, i); });
}

double ExactSquaredL2(const std::byte* row, const std::byte* other, size_t dim) {
  return SumOf(dim, [=](size_t i) {
    const double difference = Component(row, i) - Component(other, i);
    return difference * difference;
  });
}

}  // namespace viper::kernels::scalar
